import type { Encryption } from '../base/encryption.ts'
import { StoreFault } from '../base/faults.ts'
import { limits } from '../base/limits.ts'
import type { Checksum, Upload, UploadedPart } from '../base/model.ts'
import { defaultChecksumType, multipartChecksum, multipartEtag } from './composite.ts'
import type { EngineDeps } from './deps.ts'
import type { CompleteUploadInput } from './engine.ts'
import { findUpload } from './multipart.ts'
import type { Catalogue, CompletedObject } from './ports/catalogue.ts'

/**
 * Turns the listed parts into the object. A repeated call gives the first one's answer.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export async function completeUpload(
  { catalogue, settings }: Pick<EngineDeps, 'catalogue' | 'settings'>,
  input: CompleteUploadInput,
  signal: AbortSignal,
): Promise<CompletedObject & { encryption?: Encryption | undefined }> {
  const { uploadId } = input
  if (input.parts.length === 0) throw new StoreFault('MalformedXML', { reason: 'You must specify at least one part.' })
  const upload = await findUpload(catalogue, input, signal)
  const encryption = upload.extras?.encryption
  if (upload.state === 'completed') {
    const completion = await catalogue.findCompletion(uploadId, signal)
    if (!completion) throw new StoreFault('NoSuchUpload', { uploadId })
    return { ...completion, encryption }
  }
  const parts = pickParts(input, await allParts(catalogue, input, signal))
  const sizeBytes = checkSizes(input, parts, settings.objectBytesMax)
  const checksum = await checkedChecksum(upload, input, parts)
  const completion = {
    upload,
    sizeBytes,
    etag: multipartEtag(parts),
    checksum,
    parts: parts.map((part) => ({ ...part, checksum: part.checksum?.value })),
    condition: input.condition,
    origin: input.origin,
  }
  const { object } = await catalogue.completeUpload(completion, signal)
  return { ...object, encryption }
}

async function allParts(
  catalogue: Catalogue,
  { uploadId }: CompleteUploadInput,
  signal: AbortSignal,
): Promise<Map<number, UploadedPart>> {
  const parts = new Map<number, UploadedPart>()
  for (let after = 0; ; ) {
    const page = await catalogue.listParts({ uploadId, after, rowsMax: limits.listKeysMax }, signal)
    for (const part of page.parts) parts.set(part.number, part)
    if (!page.isTruncated) return parts
    after = page.nextNumber
  }
}

/** The uploaded parts that the client listed, each as it was when the client got its ETag. */
function pickParts(input: CompleteUploadInput, uploaded: ReadonlyMap<number, UploadedPart>): UploadedPart[] {
  const { uploadId } = input
  let before = 0
  for (const { number } of input.parts) {
    if (number <= before) throw new StoreFault('InvalidPartOrder', { uploadId })
    before = number
  }
  return input.parts.map(({ number, etag, checksum }) => {
    const part = uploaded.get(number)
    const same =
      part !== undefined &&
      part.etag === etag &&
      (checksum === undefined ||
        (part.checksum?.algorithm === checksum.algorithm && part.checksum.value === checksum.value))
    if (!same) throw new StoreFault('InvalidPart', { partNumber: number, etag, uploadId })
    return part
  })
}

function checkSizes(input: CompleteUploadInput, parts: readonly UploadedPart[], sizeBytesMax: number): number {
  for (const { number, etag, sizeBytes } of parts.slice(0, -1)) {
    if (sizeBytes < limits.partBytesMin) {
      throw new StoreFault('EntityTooSmall', { sizeBytes, sizeBytesMin: limits.partBytesMin, partNumber: number, etag })
    }
  }
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  if (sizeBytes > sizeBytesMax) throw new StoreFault('EntityTooLarge', { sizeBytes, sizeBytesMax })
  if (input.sizeBytes !== undefined && input.sizeBytes !== sizeBytes) {
    throw new StoreFault('InvalidRequest', {
      reason: `The provided 'x-amz-mp-object-size' header value ${input.sizeBytes} does not match what was computed: ${sizeBytes}`,
    })
  }
  return sizeBytes
}

async function checkedChecksum(
  upload: Upload,
  input: CompleteUploadInput,
  parts: readonly UploadedPart[],
): Promise<Checksum | undefined> {
  const algorithm = upload.checksumAlgorithm ?? input.checksum?.algorithm
  if (algorithm === undefined) return undefined
  const fallback = upload.checksumAlgorithm === undefined ? 'FULL_OBJECT' : defaultChecksumType(algorithm)
  const type = upload.checksumType ?? input.checksumType ?? fallback
  if (input.checksumType !== undefined && input.checksumType !== type) {
    throw new StoreFault('InvalidRequest', {
      reason: `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    })
  }
  const checksum = await multipartChecksum(algorithm, type, parts)
  if (input.checksum && (input.checksum.algorithm !== algorithm || input.checksum.value !== checksum?.value)) {
    throw new StoreFault('BadDigest', {
      reason: `The ${input.checksum.algorithm} you specified did not match the calculated checksum.`,
    })
  }
  return checksum
}
