import { commitDraft } from './commit-draft.ts'
import { compressionOf } from './compression/compression.ts'
import type { EngineDeps } from './deps.ts'
import { checksumOf } from './digests.ts'
import { makeContentKey, withEncryption } from './encryption/data-keys.ts'
import type { ByteStream, PutObjectInput, WrittenObject } from './engine.ts'
import { checkProof } from './lock-proof.ts'
import { plainBytesOf, writePart } from './write-part.ts'

/** Streams `body` to the nodes, then makes it the current object: all or nothing. */
export async function putObject(
  deps: EngineDeps,
  input: PutObjectInput,
  body: ByteStream,
  signal: AbortSignal,
): Promise<WrittenObject> {
  const { bucket, key, attributes, claims, condition, origin } = input
  checkProof('Object', input.extras?.lock, claims)
  const content = input.encryption && (await makeContentKey(deps, input.encryption, signal))
  const label = { bucket: bucket.name, key, uploadId: '', partNumber: 1, ...attributes }
  const order = { claims, label, compression: compressionOf(deps, bucket), content, versioning: bucket.versioning }
  await using draft = await writePart(deps, order, body, signal)
  const { etag } = draft.digests
  const checksum = checksumOf(claims.checksum?.algorithm, draft.digests)
  const commit = {
    bucketId: bucket.id,
    key,
    sizeBytes: draft.layout ? plainBytesOf(draft.layout) : 0,
    etag,
    attributes,
    checksum,
    part: draft.layout,
    extras: withEncryption(input.extras, content),
    condition,
    origin,
  }
  const committed = await commitDraft(draft, (commitSignal) => deps.catalogue.commitObject(commit, commitSignal))
  if (draft.layout && draft.bytes) deps.chunkCache.keepWritten(draft.layout.partId, draft.bytes)
  return { ...committed, etag, checksum, encryption: content?.encryption }
}
