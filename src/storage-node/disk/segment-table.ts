import { assert } from '../../base/faults.ts'
import { RECORD_HEADER_BYTES } from './record.ts'

/** What is known of a segment, beside its records. Sizes in bytes. */
export interface Segment {
  readonly number: number
  /** How much of the file counts. */
  bytes: number
  /** Of records that the index points at. */
  liveBytes: number
  /** Its tombstones, counted by the segment whose put they undo. */
  readonly tombstones: Map<number, number>
  /** Nothing is appended to it any more. */
  isSealed: boolean
  /**
   * It holds, or may hold, a put that neither the index points at nor a tombstone names this segment for: a copy of it
   * lives in a later segment (an interrupted compaction; a put after a delete whose tombstone was dropped). Should that
   * one be deleted, only the later tombstone keeps this one dead.
   */
  isShadowed: boolean
  /** Its files are unlinked, perhaps not durably. */
  isUnlinked: boolean
  /** Salt of its record headers. */
  readonly salt: Buffer
}

/**
 * The segments that exist, what lives in them, and which tombstones are still needed.
 *
 * Start-up replays the segments in order of their numbers, so a tombstone undoes the puts of its chunk in lower segments
 * and above it in its own. It may be dropped only when no such put is left on disk. A dead put in segment S, not copied
 * since (copies are made of live records only), is one of two kinds:
 *   - it was deleted where it lay: then its tombstone names S, and is needed as long as S exists;
 *   - it was live elsewhere when it was left behind: then S is marked as shadowed, and every tombstone in a higher
 *     segment is kept until S is gone. Shadowed segments are compacted first, so that does not last. The mark is in
 *     memory only; replay finds it again, because it meets two puts of one chunk, or a tombstone that names another
 *     segment than that of the put which it undoes.
 * «Gone» means unlinked and the directory synced: else the old segment might come back without its tombstones.
 */
export class SegmentTable {
  readonly #segments = new Map<number, Segment>()
  readonly #shadowed = new Set<number>()
  /** Closed segments that may be worth compacting. */
  readonly candidates = new Set<number>()
  readonly #liveFractionMin: number

  constructor(liveFractionMin: number) {
    this.#liveFractionMin = liveFractionMin
  }

  add(segment: { number: number; bytes: number; salt: Buffer }): Segment {
    const added: Segment = {
      ...segment,
      liveBytes: 0,
      tombstones: new Map(),
      isSealed: false,
      isShadowed: false,
      isUnlinked: false,
    }
    this.#segments.set(segment.number, added)
    return added
  }

  get(number: number): Segment | undefined {
    return this.#segments.get(number)
  }

  addLive(number: number, recordBytes: number): void {
    this.#must(number).liveBytes += recordBytes
  }

  dropLive(number: number, recordBytes: number): void {
    const segment = this.#must(number)
    segment.liveBytes -= recordBytes
    assert(segment.liveBytes >= 0, `segment ${number} has no less than nothing`)
    if (segment.isSealed && segment.liveBytes < this.#liveFractionMin * segment.bytes) this.candidates.add(number)
  }

  addTombstone(number: number, killedSegment: number): void {
    const { tombstones } = this.#must(number)
    tombstones.set(killedSegment, (tombstones.get(killedSegment) ?? 0) + 1)
  }

  seal(number: number): void {
    this.#must(number).isSealed = true
    this.candidates.add(number)
  }

  markShadowed(number: number): void {
    this.#must(number).isShadowed = true
    this.#shadowed.add(number)
    this.candidates.add(number)
  }

  get hasShadowed(): boolean {
    return this.#shadowed.size > 0
  }

  /** Whether a tombstone in segment `number` may not be dropped (see above). */
  isNeeded(number: number, killedSegment: number): boolean {
    if (killedSegment !== number && this.#segments.has(killedSegment)) return true
    for (const shadowed of this.#shadowed) if (shadowed < number) return true
    return false
  }

  /** The next segment to compact: the shadowed ones first. */
  pick(): Segment | undefined {
    for (const number of this.#shadowed) {
      const segment = this.#must(number)
      if (this.candidates.delete(number) && segment.isSealed) return segment
    }
    for (const number of this.candidates) {
      this.candidates.delete(number)
      const segment = this.#segments.get(number)
      if (segment?.isSealed && this.#isWorthwhile(segment)) return segment
    }
    return undefined
  }

  #isWorthwhile(segment: Segment): boolean {
    if (segment.isUnlinked) return true
    let neededBytes = segment.liveBytes
    for (const [killed, count] of segment.tombstones) {
      if (this.isNeeded(segment.number, killed)) neededBytes += count * RECORD_HEADER_BYTES
    }
    return neededBytes === 0 || neededBytes < this.#liveFractionMin * segment.bytes
  }

  /** It is durably gone. Tombstones that named it may have become needless. */
  remove(number: number): void {
    this.#segments.delete(number)
    this.candidates.delete(number)
    const wasShadowed = this.#shadowed.delete(number)
    for (const segment of this.#segments.values()) {
      const isFreed = segment.tombstones.has(number) || (wasShadowed && segment.tombstones.size > 0)
      if (isFreed && segment.isSealed) this.candidates.add(segment.number)
    }
  }

  #must(number: number): Segment {
    const segment = this.#segments.get(number)
    assert(segment, `segment ${number} exists`)
    return segment
  }
}
