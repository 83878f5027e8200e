import {
  type ChunkKey,
  comparePartWords,
  keyTimeMs,
  type PartWords,
  parsePartWords,
} from '../../chunk-files/chunk-key.ts'
import type { ListFilter } from '../ports.ts'

/** Where a chunk lies. */
export interface Place {
  /** The segment's number; FILE for a chunk with a file of its own. */
  segment: number
  /** Of the payload in the segment; of a file, the how manieth it is since the start: 0 if it was there. */
  offset: number
  payloadBytes: number
  /** What its record takes in the segment beside the payload, at most 16 MiB; 0 for a file. */
  overheadBytes: number
}

export const FILE = 0

/** One chunk: part id (4 words), index and overhead + 1 (0: no chunk here), segment, offset, payload bytes. */
const ROW_WORDS = 8
const META = 4
const SEGMENT = 5
const OFFSET = 6
const PAYLOAD = 7
/** So that growing, and a list's copy, stop the loop for a few ms at most: each shard does it alone. */
const SHARDS = 256
/** Full at 0.8, and then grown by 1.4: 40 to 56 bytes a chunk, 47 on average. */
const LOAD_MAX = 0.8
const GROWTH = 1.4
const LOAD_MIN = 0.2
const ROWS_MIN = 8

/**
 * All chunks of a node, in memory: 256 open-addressing tables (linear probing) over typed arrays. A deletion moves later
 * rows up instead of leaving a mark, so tables do not age.
 */
export class ChunkIndex {
  readonly #shards: Shard[] = Array.from({ length: SHARDS }, () => new Shard())
  #size = 0
  #payloadBytes = 0

  get size(): number {
    return this.#size
  }

  /** Of all chunks together. */
  get payloadBytes(): number {
    return this.#payloadBytes
  }

  /** Bytes of memory that the tables take. */
  get memoryBytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.rows.byteLength, 0)
  }

  readonly shards = SHARDS

  get(key: ChunkKey): Place | undefined {
    const hash = hashOf(key)
    return this.#shards[hash >>> 24]!.get(key, hash)
  }

  /** Answers what was there before. */
  set(key: ChunkKey, place: Place): Place | undefined {
    const hash = hashOf(key)
    const previous = this.#shards[hash >>> 24]!.set(key, hash, place)
    if (!previous) this.#size += 1
    this.#payloadBytes += place.payloadBytes - (previous?.payloadBytes ?? 0)
    return previous
  }

  delete(key: ChunkKey): Place | undefined {
    const hash = hashOf(key)
    const previous = this.#shards[hash >>> 24]!.delete(key, hash)
    if (!previous) return undefined
    this.#size -= 1
    this.#payloadBytes -= previous.payloadBytes
    return previous
  }

  /** A copy of the chunks of one shard that pass the filter. */
  select(shard: number, filter: ListFilter): ListedChunk[] {
    return this.#shards[shard]!.select(filter)
  }
}

export interface ListedChunk {
  key: ChunkKey
  payloadBytes: number
}

/** Every bit depends on all of the id; the high byte chooses the shard, the rest the row. */
function hashOf(key: ChunkKey): number {
  let h = mix(key.index + 0x9e37_79b9, key.w0)
  h = mix(h, key.w1)
  h = mix(h, key.w2)
  h = mix(h, key.w3)
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35)
  return (h ^ (h >>> 16)) >>> 0
}

function mix(state: number, value: number): number {
  const h = Math.imul(state ^ value, 0x9e37_79b1)
  return h ^ (h >>> 15)
}

class Shard {
  rows = new Uint32Array(0)
  #count = 0

  get(key: ChunkKey, hash: number): Place | undefined {
    const row = this.#find(key, hash)
    return row >= 0 ? this.#place(row) : undefined
  }

  set(key: ChunkKey, hash: number, place: Place): Place | undefined {
    const found = this.#find(key, hash)
    if (found >= 0) {
      const previous = this.#place(found)
      this.#write(found, key, place)
      return previous
    }
    if (this.#count + 1 > (this.rows.length / ROW_WORDS) * LOAD_MAX) this.#resize(GROWTH)
    this.#write(this.#freeRow(hash), key, place)
    this.#count += 1
    return undefined
  }

  delete(key: ChunkKey, hash: number): Place | undefined {
    const found = this.#find(key, hash)
    if (found < 0) return undefined
    const previous = this.#place(found)
    this.#close(found)
    this.#count -= 1
    const capacity = this.rows.length / ROW_WORDS
    if (capacity > ROWS_MIN * 4 && this.#count < capacity * LOAD_MIN) this.#resize(0.5)
    return previous
  }

  select({ session, createdBeforeMs, afterPart, untilPart }: ListFilter): ListedChunk[] {
    const selected: ListedChunk[] = []
    const { rows } = this
    const after = afterPart && parsePartWords(afterPart)
    const until = untilPart && parsePartWords(untilPart)
    for (let row = 0; row < rows.length; row += ROW_WORDS) {
      if (rows[row + META] === 0) continue
      if (session !== undefined && rows[row + 3] !== session) continue
      // By the first word before a row becomes an object: who asks for a range asks for a small one.
      if (after && rows[row]! < after.w0) continue
      if (until && rows[row]! > until.w0) continue
      const key = this.#key(row)
      if (!isWithin(key, after, until)) continue
      if (createdBeforeMs !== undefined && keyTimeMs(key) >= createdBeforeMs) continue
      selected.push({ key, payloadBytes: rows[row + PAYLOAD]! })
    }
    return selected
  }

  /** The row's first word, or -1. */
  #find(key: ChunkKey, hash: number): number {
    const { rows } = this
    if (rows.length === 0) return -1
    for (let row = this.#home(hash); rows[row + META] !== 0; row = this.#next(row)) {
      if (
        rows[row + 3] === key.w3 &&
        rows[row + 2] === key.w2 &&
        rows[row + 1] === key.w1 &&
        rows[row] === key.w0 &&
        (rows[row + META]! & 0xff) === key.index
      ) {
        return row
      }
    }
    return -1
  }

  #freeRow(hash: number): number {
    let row = this.#home(hash)
    while (this.rows[row + META] !== 0) row = this.#next(row)
    return row
  }

  #home(hash: number): number {
    return Math.floor(((hash & 0xff_ffff) / 0x100_0000) * (this.rows.length / ROW_WORDS)) * ROW_WORDS
  }

  #next(row: number): number {
    return row + ROW_WORDS === this.rows.length ? 0 : row + ROW_WORDS
  }

  /** Empties a row and moves up whatever behind it could not be found any more across the gap. */
  #close(gap: number): void {
    const { rows } = this
    for (let row = this.#next(gap); rows[row + META] !== 0; row = this.#next(row)) {
      const home = this.#home(hashOf(this.#key(row)))
      const distanceFromHome = (row - home + rows.length) % rows.length
      const distanceFromGap = (row - gap + rows.length) % rows.length
      if (distanceFromHome < distanceFromGap) continue
      rows.copyWithin(gap, row, row + ROW_WORDS)
      gap = row
    }
    rows.fill(0, gap, gap + ROW_WORDS)
  }

  #resize(factor: number): void {
    const old = this.rows
    const rowsWanted = Math.max(ROWS_MIN, Math.ceil((old.length / ROW_WORDS) * factor))
    this.rows = new Uint32Array(rowsWanted * ROW_WORDS)
    for (let row = 0; row < old.length; row += ROW_WORDS) {
      if (old[row + META] === 0) continue
      const words = old.subarray(row, row + ROW_WORDS)
      this.rows.set(words, this.#freeRow(hashOf(keyAt(old, row))))
    }
  }

  #key(row: number): ChunkKey {
    return keyAt(this.rows, row)
  }

  #place(row: number): Place {
    const { rows } = this
    return {
      segment: rows[row + SEGMENT]!,
      offset: rows[row + OFFSET]!,
      payloadBytes: rows[row + PAYLOAD]!,
      overheadBytes: (rows[row + META]! >>> 8) - 1,
    }
  }

  #write(row: number, key: ChunkKey, place: Place): void {
    const { rows } = this
    rows[row] = key.w0
    rows[row + 1] = key.w1
    rows[row + 2] = key.w2
    rows[row + 3] = key.w3
    rows[row + META] = key.index | ((place.overheadBytes + 1) << 8)
    rows[row + SEGMENT] = place.segment
    rows[row + OFFSET] = place.offset
    rows[row + PAYLOAD] = place.payloadBytes
  }
}

function isWithin(key: PartWords, after: PartWords | undefined, until: PartWords | undefined): boolean {
  return !(after && comparePartWords(key, after) <= 0) && !(until && comparePartWords(key, until) > 0)
}

function keyAt(rows: Uint32Array, row: number): ChunkKey {
  return {
    w0: rows[row]!,
    w1: rows[row + 1]!,
    w2: rows[row + 2]!,
    w3: rows[row + 3]!,
    index: rows[row + META]! & 0xff,
  }
}
