import fc from 'fast-check'
import t from 'tap'
import { CrashDisk, makeDice } from './crash-fs.ts'
import { CHUNKS, type Command, Run } from './crash-run.ts'

/*
 * Random puts, deletes, compactions, failures, kills and power cuts on a simulated disk that keeps, drops and tears
 * what was not synced.
 */
const RUNS = 60
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

t.test('whatever crashes: acknowledged puts and deletes last, others happen wholly or not at all', async () => {
  const commands = fc.array(command, { maxLength: 80, size: 'max' })
  const property = fc.asyncProperty(fc.integer(), commands, (seed, commands) =>
    new Run(new CrashDisk(makeDice(seed))).play(commands),
  )
  await fc.assert(property, { numRuns: RUNS })
})

t.test('a disk that forgets to sync is found out', async () => {
  const disk = new CrashDisk(makeDice(1))
  disk.forgetsToSync = true
  const all = Array.from({ length: CHUNKS }, (_, number) => number)
  await t.rejects(new Run(disk).play([{ do: 'put', chunks: all }, { do: 'wait' }]), /was acknowledged and is gone/)
})
