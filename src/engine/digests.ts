import { createHash } from 'node:crypto'
import { crc32, crc32c } from '@node-rs/crc32'
import { StoreFault } from '../base/faults.ts'
import type { Checksum, ChecksumAlgorithm } from '../base/model.ts'
import { Crc64Nvme } from '../striping/crc64.ts'
import type { BodyClaims } from './engine.ts'

/** A running checksum: S3's five algorithms behind one face. */
interface RunningChecksum {
  update(bytes: Uint8Array): void
  digest(): Buffer
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'CRC32':
      return runningCrc(crc32)
    case 'CRC32C':
      return runningCrc(crc32c)
    case 'CRC64NVME':
      return new Crc64Nvme()
    case 'SHA1':
    case 'SHA256':
      return createHash(algorithm.toLowerCase())
  }
}

function runningCrc(step: (bytes: Uint8Array, state: number) => number): RunningChecksum {
  let state = 0
  return {
    update: (bytes) => {
      state = step(bytes, state)
    },
    digest: () => {
      const digest = Buffer.allocUnsafe(4)
      digest.writeUInt32BE(state)
      return digest
    },
  }
}

export interface BodyDigests {
  /** The MD5 in hex, unless it is to be another. */
  etag: string
  /** base64, when the claims named an algorithm. */
  checksum: string | undefined
}

export interface RunningDigests {
  update(bytes: Uint8Array): void
  finish(): BodyDigests
}

/**
 * Digests of a body as it comes: MD5, and the checksum that the client named. `etag`: the ETag where it is not the MD5,
 * which then is only made if the client named one.
 */
export function startDigests(claims: BodyClaims, etag?: string): RunningDigests {
  const md5 = etag === undefined || claims.md5 ? createHash('md5') : undefined
  const checksum = claims.checksum && startChecksum(claims.checksum.algorithm)
  return {
    update(bytes) {
      md5?.update(bytes)
      checksum?.update(bytes)
    },
    finish() {
      const digests = finishDigests(claims, md5?.digest(), checksum)
      return etag === undefined ? digests : { ...digests, etag }
    },
  }
}

/** Compares with what the client claimed. Fault: BadDigest. */
export function finishDigests(
  claims: BodyClaims,
  md5: Buffer | undefined,
  checksum: Pick<RunningChecksum, 'digest'> | undefined,
): BodyDigests {
  const digests = { etag: md5?.toString('hex') ?? '', checksum: checksum?.digest().toString('base64') }
  verifyClaims(claims, digests)
  return digests
}

/** What is kept of a single body's checksum. */
export function checksumOf(algorithm: ChecksumAlgorithm | undefined, digests: BodyDigests): Checksum | undefined {
  if (algorithm === undefined || digests.checksum === undefined) return undefined
  return { algorithm, value: digests.checksum, type: 'FULL_OBJECT' }
}

function verifyClaims(claims: BodyClaims, digests: BodyDigests): void {
  if (claims.md5 && claims.md5.toString('hex') !== digests.etag) {
    throw new StoreFault('BadDigest', { reason: 'The Content-MD5 you specified did not match what we received.' })
  }
  const expected = claims.checksum?.expected()
  if (expected !== undefined && expected !== digests.checksum) {
    const name = claims.checksum?.algorithm
    throw new StoreFault('BadDigest', { reason: `The ${name} you specified did not match the calculated checksum.` })
  }
}
