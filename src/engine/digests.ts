import { createHash } from 'node:crypto'
import { Crc64Nvme } from '@aws-sdk/crc64-nvme'
import { crc32, crc32c } from '@node-rs/crc32'
import { StoreFault } from '../base/faults.ts'
import type { Checksum, ChecksumAlgorithm } from '../base/model.ts'
import type { BodyClaims } from './engine.ts'

/** A running checksum: S3's five algorithms behind one face. */
interface RunningChecksum {
  update(bytes: Uint8Array): void
  digest(): Promise<Buffer> | Buffer
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case 'CRC32':
      return runningCrc(crc32)
    case 'CRC32C':
      return runningCrc(crc32c)
    case 'CRC64NVME':
      return runningCrc64()
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

function runningCrc64(): RunningChecksum {
  const crc = new Crc64Nvme()
  return { update: (bytes) => crc.update(bytes), digest: async () => Buffer.from(await crc.digest()) }
}

export interface BodyDigests {
  md5: Buffer
  /** base64, when the claims named an algorithm. */
  checksum: string | undefined
}

/** Digests of a body that is not cut into stripes: MD5, and the checksum that the client named. */
export function startDigests(claims: BodyClaims): { update(bytes: Uint8Array): void; finish(): Promise<BodyDigests> } {
  const md5 = createHash('md5')
  const checksum = claims.checksum && startChecksum(claims.checksum.algorithm)
  return {
    update(bytes) {
      md5.update(bytes)
      checksum?.update(bytes)
    },
    finish: () => finishDigests(claims, md5.digest(), checksum),
  }
}

/** Compares with what the client claimed. Fault: BadDigest. */
export async function finishDigests(
  claims: BodyClaims,
  md5: Buffer,
  checksum: Pick<RunningChecksum, 'digest'> | undefined,
): Promise<BodyDigests> {
  const digests = { md5, checksum: (await checksum?.digest())?.toString('base64') }
  verifyClaims(claims, digests)
  return digests
}

/** What is kept of a single body's checksum. */
export function checksumOf(algorithm: ChecksumAlgorithm | undefined, digests: BodyDigests): Checksum | undefined {
  if (algorithm === undefined || digests.checksum === undefined) return undefined
  return { algorithm, value: digests.checksum, type: 'FULL_OBJECT' }
}

function verifyClaims(claims: BodyClaims, digests: BodyDigests): void {
  if (claims.md5 && !claims.md5.equals(digests.md5)) {
    throw new StoreFault('BadDigest', { reason: 'The Content-MD5 you specified did not match what we received.' })
  }
  const expected = claims.checksum?.expected()
  if (expected !== undefined && expected !== digests.checksum) {
    const name = claims.checksum?.algorithm
    throw new StoreFault('BadDigest', { reason: `The ${name} you specified did not match the calculated checksum.` })
  }
}
