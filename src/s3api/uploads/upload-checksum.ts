import { StoreFault } from '../../base/faults.ts'
import type { ChecksumAlgorithm, ChecksumType } from '../../base/model.ts'
import { parseAlgorithm, parseChecksumType } from '../checksums/algorithms.ts'
import { type Field, headers } from '../fields.ts'
import { headerOf } from '../request-head.ts'

export interface UploadChecksum {
  algorithm: ChecksumAlgorithm | undefined
  type: ChecksumType | undefined
}

/** Which types an algorithm knows; the first is its default. */
const TYPES: Readonly<Record<ChecksumAlgorithm, readonly ChecksumType[]>> = {
  CRC32: ['COMPOSITE', 'FULL_OBJECT'],
  CRC32C: ['COMPOSITE', 'FULL_OBJECT'],
  // A polynomial of its own: only ever of the whole object.
  CRC64NVME: ['FULL_OBJECT'],
  SHA1: ['COMPOSITE'],
  SHA256: ['COMPOSITE'],
}

/**
 * The checksum that an upload's parts and its object are to have.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html Fault: InvalidRequest.
 */
export const uploadChecksum: Field<UploadChecksum> = headers(
  'upload-checksum',
  ['x-amz-checksum-algorithm', 'x-amz-checksum-type'],
  (head) => {
    const named = headerOf(head, 'x-amz-checksum-algorithm')
    const algorithm = named === undefined ? undefined : parseAlgorithm(named, 'x-amz-checksum-algorithm')
    const asked = headerOf(head, 'x-amz-checksum-type')
    const type = asked === undefined ? undefined : parseChecksumType(asked)
    if (algorithm === undefined) {
      if (type === undefined) return { algorithm, type }
      throw new StoreFault('InvalidRequest', {
        reason: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
      })
    }
    if (type !== undefined && !TYPES[algorithm].includes(type)) {
      throw new StoreFault('InvalidRequest', {
        reason: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
      })
    }
    return { algorithm, type: type ?? TYPES[algorithm][0]! }
  },
)
