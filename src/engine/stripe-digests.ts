import { hash } from 'node:crypto'
import type { PartId } from '../base/ids.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { combineCrc32, stripeCrc32 } from '../striping/crc-combine.ts'
import type { PartGeometry } from '../striping/layout.ts'
import type { StripeBuffer, StripePool } from '../striping/stripe-pool.ts'
import { type BodyDigests, finishDigests, type RunningDigests, startChecksum } from './digests.ts'
import type { BodyClaims } from './engine.ts'

/** Digests of a body out of the stripes that it is cut into. */
export interface StripeDigests extends Disposable {
  /** The stripe is sealed, and these are its block checksums: in order of stripes, each before it is sent. */
  sealed(stripe: StripeBuffer, index: number, blockChecksums: readonly number[]): void
  /** Resolves when the body may go on: what is not digested yet holds its stripe's memory. */
  caughtUp(): Promise<void>
  /** When all stripes are sealed. Fault: BadDigest, where a claim differs. */
  finish(): Promise<BodyDigests>
}

export interface DigestOrder {
  partId: PartId
  geometry: PartGeometry
  claims: BodyClaims
}

/** Bodies up to this size are digested by one call: it costs less than to take part in the lanes. */
const WHOLE_BYTES_MAX = 16_384
const whole = Buffer.alloc(WHOLE_BYTES_MAX)

/** MD5 for the ETag, and the checksum that the client named. */
export function startStripeDigests(pool: StripePool, order: DigestOrder): StripeDigests {
  const { sizeBytes, blockBytes } = order.geometry
  return sizeBytes <= Math.min(WHOLE_BYTES_MAX, DATA_CHUNKS * blockBytes)
    ? digestAtOnce(order)
    : digestInLanes(pool, order)
}

/** Of a body that is digested before it becomes something else: the stripes have no say in it. */
export function digestsOfBody(digests: RunningDigests): StripeDigests {
  return {
    sealed() {},
    async caughtUp() {},
    finish: async () => digests.finish(),
    [Symbol.dispose]() {},
  }
}

/** A body of one stripe. */
function digestAtOnce({ claims }: DigestOrder): StripeDigests {
  const checksum = claims.checksum && startChecksum(claims.checksum.algorithm)
  let md5 = Buffer.alloc(0)
  return {
    sealed(stripe) {
      let length = 0
      for (const bytes of stripe.data()) {
        whole.set(bytes, length)
        length += bytes.length
      }
      md5 = hash('md5', whole.subarray(0, length), 'buffer')
      checksum?.update(whole.subarray(0, length))
    },
    async caughtUp() {},
    finish: async () => finishDigests(claims, md5, checksum),
    [Symbol.dispose]() {},
  }
}

function digestInLanes(pool: StripePool, { claims, partId }: DigestOrder): StripeDigests {
  const md5 = pool.startMd5()
  const checksum = startStripeChecksum(claims, partId)
  return {
    sealed(...stripe) {
      md5.update(stripe[0])
      checksum?.update(...stripe)
    },
    caughtUp: () => md5.caughtUp(),
    finish: async () => finishDigests(claims, await md5.digest(), checksum),
    [Symbol.dispose]: () => md5[Symbol.dispose](),
  }
}

interface StripeChecksum {
  update: StripeDigests['sealed']
  digest(): Buffer
}

function startStripeChecksum({ checksum }: BodyClaims, partId: PartId): StripeChecksum | undefined {
  if (checksum === undefined) return undefined
  if (checksum.algorithm === 'CRC32') return crc32OfBlocks(partId)
  const running = startChecksum(checksum.algorithm)
  return {
    update(stripe) {
      for (const bytes of stripe.data()) running.update(bytes)
    },
    digest: () => running.digest(),
  }
}

/** Nothing is read a second time: the blocks' own checksums are CRC-32. */
function crc32OfBlocks(partId: PartId): StripeChecksum {
  let crc = 0
  return {
    update({ stripeBytes }, index, blockChecksums) {
      crc = combineCrc32(crc, stripeCrc32({ partId, index, stripeBytes }, blockChecksums), stripeBytes)
    },
    digest() {
      const digest = Buffer.allocUnsafe(4)
      digest.writeUInt32BE(crc)
      return digest
    },
  }
}
