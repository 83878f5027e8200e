import { assert } from '../base/faults.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { CHECKSUM_BYTES } from './checksum.ts'

/**
 * How a part is cut: stripes of 6 blocks of `blockBytes`, one block for each data chunk. The last stripe holds the rest
 * r, in blocks of ceil(r / 6) bytes, padded with zeros; so all chunks of a part are of equal length.
 */
export interface PartGeometry {
  /** Of the part, without padding; a safe integer, 0 or more. */
  sizeBytes: number
  /** Bytes of every block but those of the last stripe; 1 or more. */
  blockBytes: number
  /** 0 to 6. */
  parityChunks: number
}

/** Stripes of a part; 0 for one without bytes. */
export function stripeCount(g: PartGeometry): number {
  return Math.ceil(g.sizeBytes / (DATA_CHUNKS * g.blockBytes))
}

/** Bytes of the part that lie in a stripe, padding left out: 1 to 6 × blockBytes. */
export function stripeBytes(g: PartGeometry, stripe: number): number {
  const full = DATA_CHUNKS * g.blockBytes
  const rest = g.sizeBytes - stripe * full
  assert(Number.isInteger(stripe) && stripe >= 0 && rest > 0, `stripe ${stripe} of ${stripeCount(g)}`)
  return Math.min(full, rest)
}

/** Bytes of each block of a stripe, padding included, checksum not. */
export function blockBytesOf(g: PartGeometry, stripe: number): number {
  return Math.ceil(stripeBytes(g, stripe) / DATA_CHUNKS)
}

/** Bytes of each chunk's payload: its blocks, each with its checksum. */
export function payloadBytes(g: PartGeometry): number {
  const stripes = stripeCount(g)
  return stripes === 0 ? 0 : payloadOffset(g, stripes - 1) + blockBytesOf(g, stripes - 1) + CHECKSUM_BYTES
}

/** Where the block of a stripe begins in each chunk's payload. */
export function payloadOffset(g: PartGeometry, stripe: number): number {
  return stripe * (g.blockBytes + CHECKSUM_BYTES)
}

/** Inclusive on both ends. */
export interface StripeRange {
  firstStripe: number
  lastStripe: number
}

/** The stripes that bytes `first` to `last` (inclusive, within the part) lie in. */
export function stripesOfRange(g: PartGeometry, first: number, last: number): StripeRange {
  assert(first >= 0 && first <= last && last < g.sizeBytes, `range ${first}-${last} of ${g.sizeBytes} bytes`)
  const full = DATA_CHUNKS * g.blockBytes
  return { firstStripe: Math.floor(first / full), lastStripe: Math.floor(last / full) }
}

/** Bytes [from, to) of one data block. */
export interface BlockSlice {
  stripe: number
  /** 0 to 5: the data chunk. */
  block: number
  from: number
  to: number
}

/** The pieces of data blocks that make up bytes `first` to `last` (inclusive, within the part), in order; none is empty. */
export function* blocksOfRange(g: PartGeometry, first: number, last: number): Generator<BlockSlice> {
  const { firstStripe, lastStripe } = stripesOfRange(g, first, last)
  for (let stripe = firstStripe; stripe <= lastStripe; stripe++) {
    const start = stripe * DATA_CHUNKS * g.blockBytes
    const length = blockBytesOf(g, stripe)
    const firstIn = Math.max(0, first - start)
    const lastIn = Math.min(last - start, stripeBytes(g, stripe) - 1)
    for (let block = Math.floor(firstIn / length); block <= Math.floor(lastIn / length); block++) {
      const from = Math.max(0, firstIn - block * length)
      const to = Math.min(length, lastIn + 1 - block * length)
      yield { stripe, block, from, to }
    }
  }
}
