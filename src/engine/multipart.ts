import { StoreFault } from '../base/faults.ts'
import type { UploadId } from '../base/ids.ts'
import type { Upload } from '../base/model.ts'
import { commitDraft } from './commit-draft.ts'
import { compressionOf } from './compression/compression.ts'
import type { EngineDeps } from './deps.ts'
import { checksumOf } from './digests.ts'
import { makeContentKey, openContentKey, uploadRefusals, withEncryption } from './encryption/data-keys.ts'
import type {
  BodyClaims,
  ByteStream,
  CreatedUpload,
  CreateUploadInput,
  UploadedBytes,
  UploadPartCopyInput,
  UploadPartInput,
  UploadRef,
} from './engine.ts'
import { checkProof } from './lock-proof.ts'
import { newPartId } from './part-ids.ts'
import type { Catalogue } from './ports/catalogue.ts'
import { readObject } from './read-object.ts'
import { writePart } from './write-part.ts'

export interface WrittenPart extends UploadedBytes {
  modifiedAt: Date
}

export async function createUpload(
  deps: EngineDeps,
  input: CreateUploadInput,
  signal: AbortSignal,
): Promise<CreatedUpload> {
  const { bucket, extras, encryption, ...rest } = input
  const content = encryption && (await makeContentKey(deps, encryption, signal))
  // A UUIDv7 as part ids are: unique, and in order of time.
  const uploadId = newPartId(deps) as string as UploadId
  const kept = withEncryption(extras, content)
  await deps.catalogue.createUpload({ ...rest, bucketId: bucket.id, uploadId, ...(kept && { extras: kept }) }, signal)
  return { uploadId, encryption: content?.encryption }
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
  checkProof('Part', upload.extras?.lock, input.claims)
  const claims = claimsFor(upload, input.claims)
  return await writeUploadedPart(deps, { ...input, claims, upload }, body, signal)
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
  return await writeUploadedPart(deps, { ...input, claims, upload }, body, signal)
}

async function writeUploadedPart(
  deps: EngineDeps,
  { bucket, key, uploadId, number, claims, upload, customerKey }: UploadPartInput & { upload: Upload },
  body: ByteStream,
  signal: AbortSignal,
): Promise<WrittenPart> {
  const { attributes, extras } = upload
  const content = openContentKey(deps.keys, extras?.encryption, customerKey, uploadRefusals)
  const label = { bucket: bucket.name, key, uploadId, partNumber: number, ...attributes }
  const order = { claims, label, compression: compressionOf(deps, bucket), content, versioning: bucket.versioning }
  await using draft = await writePart(deps, order, body, signal)
  const { etag } = draft.digests
  const checksum = checksumOf(claims.checksum?.algorithm, draft.digests)
  const commit = { uploadId, number, sizeBytes: claims.sizeBytes, etag, checksum, part: draft.layout }
  const { modifiedAt } = await commitDraft(draft, (commitSignal) => deps.catalogue.commitPart(commit, commitSignal))
  return { etag, checksum, encryption: content?.encryption, modifiedAt }
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
