import fc from 'fast-check'
import t from 'tap'
import { saveResult } from '../../support/reliability.ts'
import { CrashDisk, makeDice } from './crash-fs.ts'
import { CHUNKS, type Command, layouts, Run } from './crash-run.ts'

/*
 * Random puts, deletes, compactions, failures, kills and power cuts on a simulated disk that keeps, drops and tears
 * what was not synced.
 */
const RUNS = Number(process.env.SEXTANT_TEST_CRASH_RUNS ?? 40)
/** One takes a tenth of a second. */
const RUN_MS_MAX = 120_000
/** Power cuts in a run, on the average, at the least: each leaves an image of what may be on the disk, which is read whole. */
const IMAGES_A_RUN_MIN = 2
const chunkNumber = fc.integer({ min: 0, max: CHUNKS - 1 })
const several = fc.array(chunkNumber, { minLength: 1, maxLength: 4 })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('put' as const), chunks: several }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('delete' as const), chunks: several }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('compact' as const), wait: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      after: fc.integer({ min: 0, max: 60 }),
      power: fc.boolean(),
      /** Start-up crashes too, after so many changes to the disk. */
      again: fc.option(fc.integer({ min: 0, max: 24 }), { nil: undefined }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      after: fc.integer({ min: 1, max: 12 }),
      code: fc.constantFrom('EIO' as const, 'ENOSPC' as const),
    }),
  },
)

t.test('whatever crashes: acknowledged puts and deletes last, others happen wholly or not at all', async (t) => {
  let images = 0
  const commands = fc.array(command, { maxLength: 80, size: 'max' })
  const layout = fc.constantFrom(...Object.values(layouts))
  const property = fc.asyncProperty(fc.integer(), layout, commands, async (seed, layout, commands) => {
    const disk = new CrashDisk(makeDice(seed))
    await new Run(disk, layout).play(commands)
    images += disk.images
  })
  // What fails is told at once, with its seed: to look for a smaller case may take an hour.
  await fc.assert(property, { numRuns: RUNS, endOnFailure: true, timeout: RUN_MS_MAX })
  t.ok(images >= IMAGES_A_RUN_MIN * RUNS, `${images} images of a disk after a power cut were read`)
  await saveResult({
    name: 'power cuts',
    test: 'test/storage-node/disk/crash.test.ts',
    promise:
      'After a power cut that drops, tears and reorders what was not synced, what was acknowledged is there, whole',
    passed: t.passing(),
    runs: `${RUNS} runs of up to 80 commands on a simulated disk, with kills, failing writes and syncs, and compactions`,
    result: `${images} images after power cuts were read whole: 0 acknowledged chunks lost, 0 deleted ones back`,
  })
})

t.test('a sync fails, and the process is killed before it can undo what it wrote: what comes after lasts', async () => {
  // Pages that could not be written pass for clean: whoever starts anew sees them, and no sync will ever write them.
  const commands: Command[] = [
    { do: 'fail', after: 12, code: 'EIO' },
    { do: 'put', chunks: [2, 6, 0] },
    { do: 'delete', chunks: [0] },
    { do: 'crash', after: 12, power: false },
    { do: 'put', chunks: [3] },
    { do: 'compact', wait: true },
  ]
  for (let seed = 0; seed < 30; seed++) await new Run(new CrashDisk(makeDice(seed)), layouts.tight).play(commands)
})

const all = Array.from({ length: CHUNKS }, (_, number) => number)
const twins = [
  { forgets: 'syncs', layout: 'tight' },
  { forgets: 'synced writes', layout: 'tight' },
  { forgets: 'synced writes', layout: 'roomy' },
] as const
for (const { forgets, layout } of twins) {
  t.test(`a disk that forgets its ${forgets} is found out: ${layout} segments`, async (t) => {
    const disk = new CrashDisk(makeDice(1))
    disk.forgets = forgets
    const commands: Command[] = [{ do: 'put', chunks: all }, { do: 'wait' }]
    // Hints that outlive their segment: it is cut short.
    await t.rejects(
      new Run(disk, layouts[layout]).play(commands),
      /was acknowledged and is gone|is cut short|node\.json is missing/,
    )
  })
}
