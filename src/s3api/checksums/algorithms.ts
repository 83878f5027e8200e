import { StoreFault } from '../../base/faults.ts'
import type { Checksum, ChecksumAlgorithm, ChecksumType } from '../../base/model.ts'
import type { ReplyHeaders } from '../operation.ts'
import { text } from '../xml/kinds.ts'
import { optional } from '../xml/shape.ts'

/** Bytes of a digest. */
const digestBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
}

export const algorithms = Object.keys(digestBytes) as ChecksumAlgorithm[]

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

/** base64 of a digest of the right length. */
export function isChecksumValue(algorithm: ChecksumAlgorithm, value: string): boolean {
  const digest = Buffer.from(value, 'base64')
  return digest.length === digestBytes[algorithm] && digest.toString('base64') === value
}

/** In either case, as S3 takes it. Fault: InvalidRequest. */
export function parseAlgorithm(value: string, name: string): ChecksumAlgorithm {
  const algorithm = value.trim().toUpperCase()
  if (!Object.hasOwn(digestBytes, algorithm)) {
    throw new StoreFault('InvalidRequest', { reason: `Value for ${name} header is invalid.` })
  }
  return algorithm as ChecksumAlgorithm
}

/** Fault: InvalidRequest. */
export function parseChecksumType(value: string): ChecksumType {
  const type = value.trim().toUpperCase()
  if (type !== 'FULL_OBJECT' && type !== 'COMPOSITE') {
    throw new StoreFault('InvalidRequest', { reason: 'Value for x-amz-checksum-type header is invalid.' })
  }
  return type
}

/** As headers of an answer. */
export function checksumHeaders(checksum: Checksum | undefined): ReplyHeaders {
  return checksum ? { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type } : {}
}

/** As members of an XML answer: `ChecksumCRC32` and so on. */
export const checksumMembers = {
  ChecksumCRC32: optional(text),
  ChecksumCRC32C: optional(text),
  ChecksumCRC64NVME: optional(text),
  ChecksumSHA1: optional(text),
  ChecksumSHA256: optional(text),
}

export function checksumValues(checksum: Pick<Checksum, 'algorithm' | 'value'> | undefined): {
  [K in keyof typeof checksumMembers]?: string
} {
  return checksum ? { [`Checksum${checksum.algorithm}`]: checksum.value } : {}
}

/** The one checksum among those members. Fault: InvalidRequest (several, or malformed). */
export function checksumOfValues(
  values: { [K in keyof typeof checksumMembers]?: string | undefined },
): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  const found = algorithms.filter((algorithm) => values[`Checksum${algorithm}`] !== undefined)
  const [algorithm] = found
  if (algorithm === undefined) return undefined
  const value = values[`Checksum${algorithm}`]!
  if (found.length > 1 || !isChecksumValue(algorithm, value)) {
    throw new StoreFault('InvalidRequest', { reason: `Value for Checksum${algorithm} is invalid.` })
  }
  return { algorithm, value }
}
