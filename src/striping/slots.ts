import { assert } from '../base/faults.ts'

/**
 * The unit of slots. 64/65 of it is a power of two: the blocks of a stripe, powers of two in size, and the little that
 * each needs for its checksum fit a slot of a power of two of units with almost nothing lost.
 */
export const SLOT_UNIT_BYTES = 4_160
/** The largest slot is 2^12 units: 16.25 MiB. */
const ORDER_MAX = 12
const NONE = -1

/**
 * Cuts a range of bytes into slots: a buddy allocator (Knowlton, 1965), so that small and large stripes share one memory
 * and none of it is tied to a size. What was freed last is given out first: it is warm, and fresh pages are dear.
 * All calls take at most 12 steps.
 */
export class SlotSpace {
  /** No larger slot can ever be had. */
  readonly slotBytesMax: number
  /** At each slot's first unit: its order + 1, negative while in use; 0 everywhere else. */
  readonly #slots: Int8Array
  /** Free slots of an order, linked both ways, the one freed last in front. */
  readonly #heads = new Int32Array(ORDER_MAX + 1).fill(NONE)
  readonly #next: Int32Array
  readonly #previous: Int32Array
  #usedBytes = 0

  /** At least SLOT_UNIT_BYTES; a rest of less than a unit is not used. */
  constructor(bytes: number) {
    const units = Math.floor(bytes / SLOT_UNIT_BYTES)
    assert(Number.isSafeInteger(units) && units > 0, 'room for one slot')
    this.#slots = new Int8Array(units)
    this.#next = new Int32Array(units)
    this.#previous = new Int32Array(units)
    const largest = Math.min(ORDER_MAX, log2Floor(units))
    this.slotBytesMax = SLOT_UNIT_BYTES * 2 ** largest
    // Powers of two from the low end, largest first: each is aligned to its own size. The lowest are given out first.
    const starts: { unit: number; order: number }[] = []
    for (let unit = 0; unit < units; ) {
      const order = Math.min(ORDER_MAX, log2Floor(units - unit))
      starts.push({ unit, order })
      unit += 2 ** order
    }
    for (const { unit, order } of starts.reverse()) this.#push(unit, order)
  }

  /** Bytes of all slots that are out. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  get freeBytes(): number {
    return this.#slots.length * SLOT_UNIT_BYTES - this.#usedBytes
  }

  /** Of the slot that `bytes` would take. */
  slotFor(bytes: number): number {
    return SLOT_UNIT_BYTES * 2 ** orderOf(bytes)
  }

  /** Where a slot of at least `bytes` begins, or undefined when none is free now. */
  take(bytes: number): number | undefined {
    const order = orderOf(bytes)
    let found = order
    while (found <= ORDER_MAX && this.#heads[found] === NONE) found += 1
    if (found > ORDER_MAX) return undefined
    const unit = this.#heads[found]!
    this.#remove(unit, found)
    while (found > order) {
      found -= 1
      this.#push(unit + 2 ** found, found)
    }
    this.#slots[unit] = -(order + 1)
    this.#usedBytes += SLOT_UNIT_BYTES * 2 ** order
    return unit * SLOT_UNIT_BYTES
  }

  /** Gives back what `take` gave; answers the size of the slot. */
  free(offset: number): number {
    let unit = offset / SLOT_UNIT_BYTES
    let order = -(this.#slots[unit] ?? 0) - 1
    assert(order >= 0, 'a slot in use is given back')
    this.#slots[unit] = 0
    const freedBytes = SLOT_UNIT_BYTES * 2 ** order
    this.#usedBytes -= freedBytes
    while (order < ORDER_MAX) {
      const buddy = unit ^ (2 ** order)
      if (this.#slots[buddy] !== order + 1) break
      this.#remove(buddy, order)
      unit = Math.min(unit, buddy)
      order += 1
    }
    this.#push(unit, order)
    return freedBytes
  }

  #push(unit: number, order: number): void {
    const head = this.#heads[order]!
    this.#slots[unit] = order + 1
    this.#next[unit] = head
    this.#previous[unit] = NONE
    if (head !== NONE) this.#previous[head] = unit
    this.#heads[order] = unit
  }

  #remove(unit: number, order: number): void {
    const next = this.#next[unit]!
    const previous = this.#previous[unit]!
    this.#slots[unit] = 0
    if (next !== NONE) this.#previous[next] = previous
    if (previous === NONE) this.#heads[order] = next
    else this.#next[previous] = next
  }
}

/** The size of the largest slot of no more than `bytes`; 0: none is so small. */
export function slotWithin(bytes: number): number {
  const units = Math.floor(bytes / SLOT_UNIT_BYTES)
  return units === 0 ? 0 : SLOT_UNIT_BYTES * 2 ** Math.min(ORDER_MAX, log2Floor(units))
}

/** The order of the smallest slot that holds `bytes`; above ORDER_MAX if none does. */
function orderOf(bytes: number): number {
  const units = Math.max(1, Math.ceil(bytes / SLOT_UNIT_BYTES))
  return units === 1 ? 0 : log2Floor(units - 1) + 1
}

function log2Floor(units: number): number {
  return 31 - Math.clz32(units)
}
