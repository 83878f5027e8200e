import { createHash } from 'node:crypto'
import { StoreFault } from '../base/faults.ts'
import type { Checksum, ChecksumAlgorithm, ChecksumType } from '../base/model.ts'
import { type CrcName, combineCrc } from '../striping/crc-combine.ts'
import { startChecksum } from './digests.ts'

export interface SummedPart {
  etag: string
  sizeBytes: number
  checksum: Checksum | undefined
}

/** A multipart ETag: MD5 over the parts' MD5s, with `-N`. */
export function multipartEtag(parts: readonly SummedPart[]): string {
  const md5 = createHash('md5')
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'))
  return `${md5.digest('hex')}-${parts.length}`
}

/** What an algorithm gives when nobody says: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export function defaultChecksumType(algorithm: ChecksumAlgorithm): ChecksumType {
  return algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE'
}

/** The whole object's checksum from those of its parts; undefined when a part has none of that algorithm. */
export async function multipartChecksum(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly SummedPart[],
): Promise<Checksum | undefined> {
  if (parts.some((part) => part.checksum?.algorithm !== algorithm)) return undefined
  const digests = parts.map((part) => Buffer.from(part.checksum!.value, 'base64'))
  if (type === 'COMPOSITE') {
    const sum = startChecksum(algorithm)
    for (const digest of digests) sum.update(digest)
    return { algorithm, type, value: `${Buffer.from(await sum.digest()).toString('base64')}-${parts.length}` }
  }
  if (!isCrc(algorithm)) {
    throw new StoreFault('InvalidRequest', {
      reason: `The FULL_OBJECT checksum type cannot be used with ${algorithm}.`,
    })
  }
  const [first, ...rest] = digests
  let whole: Buffer = first!
  for (const [i, digest] of rest.entries()) whole = combineCrc(algorithm, whole, digest, parts[i + 1]!.sizeBytes)
  return { algorithm, type, value: whole.toString('base64') }
}

function isCrc(algorithm: ChecksumAlgorithm): algorithm is CrcName {
  return algorithm.startsWith('CRC')
}
