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

/** Data blocks in reading order, numbered through the part: block i of stripe s is 6 s + i. Inclusive on both ends. */
export interface BlockRun {
  first: number
  last: number
}

/** The blocks that bytes `first` to `last` (inclusive, within the part) lie in. */
export function blocksOfRange(g: PartGeometry, first: number, last: number): BlockRun {
  assert(first >= 0 && first <= last && last < g.sizeBytes, `range ${first}-${last} of ${g.sizeBytes} bytes`)
  return { first: blockAt(g, first), last: blockAt(g, last) }
}

function blockAt(g: PartGeometry, byte: number): number {
  const full = DATA_CHUNKS * g.blockBytes
  const stripe = Math.floor(byte / full)
  return stripe * DATA_CHUNKS + Math.floor((byte - stripe * full) / blockBytesOf(g, stripe))
}

/** Where a data block begins in the part. Blocks follow on one another; only the last stripe's end in padding. */
export function blockStart(g: PartGeometry, block: number): number {
  const stripe = Math.floor(block / DATA_CHUNKS)
  return stripe * DATA_CHUNKS * g.blockBytes + (block - stripe * DATA_CHUNKS) * blockBytesOf(g, stripe)
}

/** Bytes of a run of blocks, padding included, checksums not. */
export function runBytes(g: PartGeometry, { first, last }: BlockRun): number {
  return blockStart(g, last) + blockBytesOf(g, Math.floor(last / DATA_CHUNKS)) - blockStart(g, first)
}
