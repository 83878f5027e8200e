import type { Random } from '../base/clock.ts'

const ID_BYTES = 8
/** Randomness is drawn for this many ids at once. */
const BATCH = 512

/** S3's form of a request id: 16 upper-case hex digits. */
export function createRequestIds(random: Random): () => string {
  let pool: Buffer = Buffer.alloc(0)
  let offset = 0
  return () => {
    if (offset + ID_BYTES > pool.length) {
      pool = random.bytes(ID_BYTES * BATCH)
      offset = 0
    }
    offset += ID_BYTES
    return pool.toString('hex', offset - ID_BYTES, offset).toUpperCase()
  }
}

/** What a gateway calls itself in `x-amz-id-2`: says nothing, tells gateways apart. */
export function createHostId(random: Random): string {
  return random.bytes(48).toString('base64')
}
