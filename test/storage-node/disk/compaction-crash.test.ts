import t from 'tap'
import { CrashDisk, makeDice } from './crash-fs.ts'
import { type Command, layouts, Run } from './crash-run.ts'

/*
 * The process dies, or the power fails, after every single change that these stories make to the disk; then compaction
 * goes on, chunks are deleted, and it is looked whether any that were deleted come back.
 */
const wait: Command = { do: 'wait' }
const compact: Command = { do: 'compact', wait: true }
const restart: Command = { do: 'restart' }
const put = (...chunks: number[]): Command[] => chunks.flatMap((n) => [{ do: 'put', chunks: [n] }, wait])
const remove = (...chunks: number[]): Command[] => [{ do: 'delete', chunks }, wait]

const putTogether = (...chunks: number[]): Command[] => [{ do: 'put', chunks }, wait]

interface Story {
  layout?: keyof typeof layouts
  /** Below it a segment is compacted. */
  liveFractionMin: number
  before: Command[]
  /** Here the process dies. */
  doomed: Command[]
  after: Command[]
}

const stories: Record<string, Story> = {
  'a segment is compacted and its chunks die afterwards': {
    liveFractionMin: 0.8,
    before: put(0, 1, 2, 3, 4, 5, 6),
    doomed: [...remove(1, 2, 4), compact],
    after: [compact, ...put(7), ...remove(0, 3), compact, restart, ...remove(5, 6), compact],
  },
  'a tombstone outlives the segment it was written to': {
    liveFractionMin: 0.3,
    before: [...put(0, 1, 2, 3, 4), ...remove(1), ...put(5, 6, 7)],
    doomed: [...remove(4, 5, 6, 7), compact, ...put(6)],
    after: [compact, restart, ...put(5, 7), ...remove(5, 6, 7), ...put(4, 7), compact],
  },
  // The tombstone of the first delete is dropped, because the chunk lives; then only the second one holds the first put
  // down, though it names another segment.
  'a chunk is put again after it was deleted, and deleted again': {
    liveFractionMin: 0.3,
    before: [...put(0, 1, 2, 3, 4), ...remove(1), ...put(5, 1, 6, 7), ...remove(4, 5)],
    doomed: [compact, ...remove(1), ...remove(6, 7), compact],
    after: [...put(4, 5), compact, ...remove(4, 5), ...put(6, 7), compact, restart],
  },
  'large chunks come and go': {
    liveFractionMin: 0.8,
    before: put(0, 8, 1),
    doomed: [...put(9), ...remove(8, 0), compact, ...put(8)],
    after: [...remove(9), compact, restart, ...put(9)],
  },
  'small and large batches take turns, within zeros and beyond them': {
    layout: 'roomy',
    liveFractionMin: 0.8,
    before: [...put(0, 1, 2), ...putTogether(4, 5, 6, 7)],
    doomed: [...put(3), ...remove(0, 5), ...putTogether(0, 5), ...remove(4, 6, 1), compact, ...put(1)],
    after: [...putTogether(4, 6), compact, restart, ...remove(2, 7), ...put(2), compact],
  },
}

/** More than any story makes. */
const CHANGES_MAX = 400

for (const [name, story] of Object.entries(stories)) {
  t.test(`${name}: a crash between any two changes`, async (t) => {
    const { layout = 'tight', before, doomed, after, liveFractionMin } = story
    let changes = 0
    let images = 0
    for (let isOver = false; !isOver; changes++) {
      for (const power of [false, true]) {
        const disk = new CrashDisk(makeDice(changes))
        const run = new Run(disk, layouts[layout], liveFractionMin)
        const crash: Command = { do: 'crash', after: 0, power }
        await run.play([...before, { do: 'doom', after: changes }, ...doomed, { do: 'mark' }, crash, ...after])
        isOver = run.livedAtMark
        images += disk.images
      }
      if (changes > CHANGES_MAX) t.fail('the story has an end')
    }
    t.ok(changes > 10, `${changes} changes, ${images} images of a disk after a power cut`)
  })
}
