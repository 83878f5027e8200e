import { NULL_VERSION } from '../base/ids.ts'
import { commitDraft } from './commit-draft.ts'
import type { EngineDeps } from './deps.ts'
import { checksumOf } from './digests.ts'
import type { ByteStream, CopyObjectInput, PutObjectInput, WrittenObject } from './engine.ts'
import { writePart } from './write-part.ts'

/** Streams `body` to the nodes, then makes it the current object: all or nothing. */
export async function putObject(
  deps: EngineDeps,
  input: PutObjectInput,
  body: ByteStream,
  signal: AbortSignal,
): Promise<WrittenObject> {
  const { bucket, key, attributes, claims, condition } = input
  const label = { bucket: bucket.name, key, versionId: NULL_VERSION, uploadId: '', partNumber: 1, ...attributes }
  await using draft = await writePart(deps, { claims, label }, body, signal)
  const etag = draft.digests.md5.toString('hex')
  const checksum = checksumOf(claims.checksum?.algorithm, draft.digests)
  const commit = {
    bucketId: bucket.id,
    key,
    sizeBytes: claims.sizeBytes,
    etag,
    attributes,
    checksum,
    part: draft.layout,
    condition,
  }
  const committed = await commitDraft(draft, (commitSignal) => deps.catalogue.commitObject(commit, commitSignal))
  if (draft.layout && draft.bytes) deps.chunkCache.keepWritten(draft.layout.partId, draft.bytes)
  return { ...committed, etag, checksum }
}

/** Metadata only, whatever the size: the copy shares the source's parts. */
export async function copyObject(
  { catalogue }: Pick<EngineDeps, 'catalogue'>,
  { source, bucket, key, attributes, condition }: CopyObjectInput,
  signal: AbortSignal,
): Promise<WrittenObject> {
  const committed = await catalogue.copyObject({ source, bucketId: bucket.id, key, attributes, condition }, signal)
  return { ...committed, etag: source.etag, checksum: source.checksum }
}
