import t from 'tap'
import { RECORD_HEADER_BYTES } from '../../../src/storage-node/disk/record.ts'
import { SegmentTable } from '../../../src/storage-node/disk/segment-table.ts'

/** Sealed segments 1 to `count`, 1000 bytes each, all alive. */
function tableOf(count: number): SegmentTable {
  const table = new SegmentTable(0.5)
  for (let number = 1; number <= count; number++) {
    table.add({ number, bytes: 1000, salt: Buffer.alloc(8) })
    table.addLive(number, 1000)
    table.seal(number)
  }
  table.candidates.clear()
  return table
}

t.test('a tombstone is needed while the segment of its put exists, unless that is its own', async (t) => {
  const table = tableOf(3)
  t.equal(table.isNeeded(3, 1), true)
  t.equal(table.isNeeded(3, 3), false)
  table.remove(1)
  t.equal(table.isNeeded(3, 1), false)
})

t.test('while a segment is shadowed, every tombstone behind it is needed, and none before it', async (t) => {
  const table = tableOf(4)
  table.remove(1)
  table.markShadowed(2)
  t.equal(table.isNeeded(3, 1), true)
  t.equal(table.isNeeded(2, 1), false)
  table.remove(2)
  t.equal(table.isNeeded(3, 1), false)
})

t.test(
  'a segment is picked when less than the share of it is needed, tombstones counted; shadowed ones first',
  async (t) => {
    const table = tableOf(4)
    t.equal(table.pick(), undefined)
    table.dropLive(2, 500)
    t.equal(table.pick(), undefined, 'half is enough')
    table.dropLive(2, 1)
    t.equal(table.pick()?.number, 2)
    t.equal(table.pick(), undefined, 'once')
    table.dropLive(3, 501)
    table.markShadowed(4)
    t.equal(table.pick()?.number, 4)
    t.equal(table.pick()?.number, 3)
  },
)

t.test('a segment of tombstones is picked once what they hold down is gone', async (t) => {
  const table = tableOf(2)
  for (let bytes = 0; bytes < 1000; bytes += RECORD_HEADER_BYTES) table.addTombstone(2, 1)
  table.dropLive(2, 1000)
  t.equal(table.pick(), undefined)
  table.remove(1)
  t.equal(table.pick()?.number, 2)
})

t.test('an open segment is never picked', async (t) => {
  const table = tableOf(1)
  table.add({ number: 2, bytes: 1000, salt: Buffer.alloc(8) })
  table.markShadowed(2)
  t.equal(table.pick(), undefined)
  table.seal(2)
  t.equal(table.pick()?.number, 2)
})
