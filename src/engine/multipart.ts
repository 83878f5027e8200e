import { StoreFault } from '../base/faults.ts'
import { NULL_VERSION, type UploadId } from '../base/ids.ts'
import type { Checksum, Upload } from '../base/model.ts'
import { commitDraft } from './commit-draft.ts'
import type { EngineDeps } from './deps.ts'
import { checksumOf } from './digests.ts'
import type {
  BodyClaims,
  ByteStream,
  CreateUploadInput,
  UploadPartCopyInput,
  UploadPartInput,
  UploadRef,
} from './engine.ts'
import { newPartId } from './part-ids.ts'
import type { Catalogue } from './ports/catalogue.ts'
import { readObject } from './read-object.ts'
import { writePart } from './write-part.ts'

export interface WrittenPart {
  etag: string
  checksum: Checksum | undefined
  modifiedAt: Date
}

export async function createUpload(deps: EngineDeps, input: CreateUploadInput, signal: AbortSignal): Promise<UploadId> {
  const { bucket, ...rest } = input
  // A UUIDv7 as part ids are: unique, and in order of time.
  const uploadId = newPartId(deps) as string as UploadId
  await deps.catalogue.createUpload({ ...rest, bucketId: bucket.id, uploadId }, signal)
  return uploadId
}

/** Open or completed. Fault: NoSuchUpload. */
export async function findUpload(catalogue: Catalogue, ref: UploadRef, signal: AbortSignal): Promise<Upload> {
  const { bucket, key, uploadId } = ref
  const upload = await catalogue.findUpload({ bucketId: bucket.id, key, uploadId }, signal)
  if (!upload) throw new StoreFault('NoSuchUpload', { uploadId })
  return upload
}

/** Fault: NoSuchUpload also when it was completed. */
export async function findOpenUpload(catalogue: Catalogue, ref: UploadRef, signal: AbortSignal): Promise<Upload> {
  const upload = await findUpload(catalogue, ref, signal)
  if (upload.state !== 'open') throw new StoreFault('NoSuchUpload', { uploadId: ref.uploadId })
  return upload
}

export async function uploadPart(
  deps: EngineDeps,
  input: UploadPartInput,
  body: ByteStream,
  signal: AbortSignal,
): Promise<WrittenPart> {
  const upload = await findOpenUpload(deps.catalogue, input, signal)
  return await writeUploadedPart(deps, input, claimsFor(upload, input.claims), upload, body, signal)
}

/** The bytes of a range of another object, as a part of their own. */
export async function uploadPartCopy(
  deps: EngineDeps,
  input: UploadPartCopyInput,
  signal: AbortSignal,
): Promise<WrittenPart> {
  const upload = await findOpenUpload(deps.catalogue, input, signal)
  const { source } = input
  const range = input.range ?? { first: 0, last: source.object.sizeBytes - 1 }
  const sizeBytes = range.last - range.first + 1
  const claims = claimsFor(upload, { sizeBytes, md5: undefined, checksum: undefined })
  const body = readObject(deps, source, range, signal)
  return await writeUploadedPart(deps, input, claims, upload, body, signal)
}

async function writeUploadedPart(
  deps: EngineDeps,
  ref: UploadRef & { number: number },
  claims: BodyClaims,
  { attributes }: Upload,
  body: ByteStream,
  signal: AbortSignal,
): Promise<WrittenPart> {
  const { bucket, key, uploadId, number } = ref
  const label = { bucket: bucket.name, key, versionId: NULL_VERSION, uploadId, partNumber: number, ...attributes }
  await using draft = await writePart(deps, { claims, label }, body, signal)
  const etag = draft.digests.md5.toString('hex')
  const checksum = checksumOf(claims.checksum?.algorithm, draft.digests)
  const commit = { uploadId, number, sizeBytes: claims.sizeBytes, etag, checksum, part: draft.layout }
  const { modifiedAt } = await commitDraft(draft, (commitSignal) => deps.catalogue.commitPart(commit, commitSignal))
  return { etag, checksum, modifiedAt }
}

/** A part without a checksum gets the one that its upload named; one with another is refused. */
function claimsFor({ checksumAlgorithm }: Upload, claims: BodyClaims): BodyClaims {
  if (checksumAlgorithm === undefined) return claims
  const given = claims.checksum?.algorithm
  if (given !== undefined && given !== checksumAlgorithm) {
    throw new StoreFault('InvalidRequest', {
      reason: `Checksum Type mismatch occurred, expected checksum Type: ${checksumAlgorithm.toLowerCase()}, actual checksum Type: ${given.toLowerCase()}`,
    })
  }
  return { ...claims, checksum: claims.checksum ?? { algorithm: checksumAlgorithm, expected: () => undefined } }
}
