import fc from 'fast-check'
import t from 'tap'
import { SLOT_UNIT_BYTES, SlotSpace } from '../../src/striping/slots.ts'

const U = SLOT_UNIT_BYTES

t.test('slots never overlap, lie in the range, and all of it is free again at the end', async () => {
  const wish = fc.oneof(
    fc.integer({ min: 1, max: 4 * U }),
    fc.integer({ min: 1, max: 40 * U }),
    fc.nat(50).map((n) => -n),
  )
  const steps = fc.array(wish, { maxLength: 300, size: 'max' })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), steps, (units, wishes) => {
      const bytes = units * U + 17
      const space = new SlotSpace(bytes)
      const out: { at: number; end: number }[] = []
      for (const wish of wishes) {
        if (wish > 0) {
          const at = space.take(wish)
          if (at === undefined) continue
          const end = at + wish
          if (at % U !== 0 || end > units * U || out.some((slot) => at < slot.end && slot.at < end)) return false
          out.push({ at, end })
        } else if (out.length > 0) {
          space.free(out.splice(-wish % out.length, 1)[0]!.at)
        }
      }
      for (const { at } of out) space.free(at)
      // Merged again: the largest slot can be had, and as often as in a fresh space.
      const count = (fresh: SlotSpace) => {
        let slots = 0
        while (fresh.take(fresh.slotBytesMax) !== undefined) slots += 1
        return slots
      }
      return space.usedBytes === 0 && count(space) === count(new SlotSpace(bytes))
    }),
    { numRuns: 300 },
  )
})

t.test('what was freed last is given out first', async (t) => {
  const space = new SlotSpace(64 * U)
  const slots = Array.from({ length: 8 }, () => space.take(U)!)
  space.free(slots[2]!)
  space.free(slots[6]!)
  t.equal(space.take(U), slots[6])
  t.equal(space.take(U), slots[2])
})

t.test('a slot of a power of two takes eight blocks of a power of two, with their checksums', async (t) => {
  const space = new SlotSpace(4096 * U)
  t.equal(space.slotBytesMax, 4096 * U)
  space.take(8 * (131_072 + 64))
  t.equal(space.usedBytes, 256 * U)
})

t.test('what was never taken, or was freed, cannot be freed', async (t) => {
  const space = new SlotSpace(8 * U)
  const slot = space.take(2 * U)!
  t.throws(() => space.free(slot + U), /in use/)
  t.throws(() => space.free(slot + 1), /in use/)
  space.free(slot)
  t.throws(() => space.free(slot), /in use/)
  t.throws(() => new SlotSpace(U - 1), /room for one/)
})
