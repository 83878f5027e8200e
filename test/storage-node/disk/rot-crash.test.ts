import t from 'tap'
import { diskPaths, segmentPath } from '../../../src/chunk-files/paths.ts'
import { listAll, makeChunk, openTestDisk, put } from './chunks.ts'
import { CrashDisk, makeDice } from './crash-fs.ts'

const DIRECTORY = '/node'
const LUCKS = 6
/** More than it makes. */
const CHANGES_MAX = 100

function open(disk: CrashDisk) {
  const compaction = { liveFractionMin: 0.8, bytesPerSecond: 1e12, retryMs: 1 }
  return openTestDisk({ directory: DIRECTORY, segmentBytesMax: 8192, compaction }, { fs: disk.boot() })
}

/** Two chunks in one segment, the first of them damaged. */
async function makeRotten(disk: CrashDisk) {
  const [rotten, other] = [makeChunk({ dataBytes: 300, seed: 1 }), makeChunk({ dataBytes: 300, seed: 2 })]
  await using store = await open(disk)
  for (const chunk of [rotten, other]) await put(store, chunk)
  const { segment, offset } = store.locate(rotten.id)
  disk.damage(segmentPath(diskPaths(DIRECTORY), segment), (content) => {
    content[offset]! ^= 0x40
    return content
  })
  return { rotten, other }
}

// Found by a simulated cluster: the segment was left without its hints, and its records read as those of a closed one.
t.test('a crash while a segment is removed brings back nothing that was damaged, forgotten and deleted', async (t) => {
  const back: string[] = []
  let changes = 0
  for (let isOver = false; !isOver && changes < CHANGES_MAX; changes++) {
    for (let luck = 0; luck < LUCKS; luck++) {
      const disk = new CrashDisk(makeDice(luck))
      const { rotten, other } = await makeRotten(disk)
      const store = await open(disk)
      await store.delete([rotten.id])
      disk.diesAfter = changes
      await store.delete([other.id]).catch(() => {}) // dead
      await store.compacted()
      isOver = !disk.isDead
      disk.failPower()
      await Promise.allSettled([store[Symbol.asyncDispose]()])
      await using next = await open(disk)
      const there = await listAll(next)
      if (there.includes(rotten.id.toString('hex'))) back.push(`after ${changes} changes, with luck ${luck}`)
    }
  }
  t.same(back, [])
  t.ok(changes > 5 && changes < CHANGES_MAX, `${changes} changes`)
})
