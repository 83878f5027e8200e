import { LRUCache } from 'lru-cache'
import type { PartId } from '../base/ids.ts'
import type { PartLayout } from '../base/model.ts'

/**
 * Parts up to this are kept when they are written, or read again. Of larger ones a copy in fresh memory costs more than it
 * saves if nobody reads them, or if their chunks lie at hand, in the page cache.
 */
const SMALL_BYTES_MAX = 64 * 1024
/** Nothing larger than this part of the cache is kept, and nothing that does not travel whole. */
const PART_OF_CACHE_MAX = 1 / 8
const READ_BYTES_MAX = 1.5 * 1024 * 1024
/** Parts whose first reading is remembered. */
const SEEN_MAX = 16_384
/** What an entry takes beside its bytes. */
const ENTRY_BYTES = 512

/**
 * The data chunks of small parts, joined, as they were written or verified: parts are immutable, and memory is trusted, so
 * they are not verified again. What was just written stands in one half, what is read again and again in the other; what
 * is read for the first time is only remembered: so reading through a bucket pushes nothing out.
 */
export class ChunkCache {
  readonly #written: LRUCache<PartId, Buffer>
  readonly #read: LRUCache<PartId, Buffer>
  readonly #seen: LRUCache<PartId, true>
  readonly #partBytesMax: number

  /** `bytesMax`: of all that is kept; 0 keeps nothing. */
  constructor({ bytesMax }: { bytesMax: number }) {
    // The library takes 0 for «no bound».
    const half = { maxSize: Math.max(1, Math.floor(bytesMax / 2)), sizeCalculation }
    this.#written = new LRUCache(half)
    this.#read = new LRUCache(half)
    // No more than there is room for.
    this.#seen = new LRUCache({ max: Math.min(SEEN_MAX, Math.max(1, Math.floor(bytesMax / ENTRY_BYTES))) })
    this.#partBytesMax = bytesMax * PART_OF_CACHE_MAX
  }

  /** Bytes of all that is kept. */
  get usedBytes(): number {
    return this.#written.calculatedSize + this.#read.calculatedSize
  }

  /** All of a part; not to be changed. */
  get(partId: PartId): Buffer | undefined {
    const read = this.#read.get(partId)
    if (read) return read
    const written = this.#written.get(partId)
    if (!written) return undefined
    this.#written.delete(partId)
    this.#read.set(partId, written)
    return written
  }

  /** Whether a part that is about to be read should be kept: if it was about to be read before. */
  wantsRead({ partId, sizeBytes }: Pick<PartLayout, 'partId' | 'sizeBytes'>, isAtHand: boolean): boolean {
    if (sizeBytes > Math.min(isAtHand ? SMALL_BYTES_MAX : READ_BYTES_MAX, this.#partBytesMax)) return false
    if (this.#seen.has(partId)) return true
    this.#seen.set(partId, true)
    return false
  }

  /** All bytes of a part, in memory that nobody changes. */
  keepRead(partId: PartId, bytes: Buffer): void {
    this.#read.set(partId, bytes)
  }

  /** Whether a part that is being written should be kept. */
  wantsWritten(sizeBytes: number): boolean {
    return sizeBytes <= Math.min(SMALL_BYTES_MAX, this.#partBytesMax)
  }

  keepWritten(partId: PartId, bytes: Buffer): void {
    this.#written.set(partId, bytes)
  }
}

function sizeCalculation(bytes: Buffer): number {
  return bytes.length + ENTRY_BYTES
}
