import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openLineFile } from '../../src/base/line-file.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { eventually } from '../support/store.ts'

const options = { clock: systemClock, log: silentLog }

t.test('line file: lines are there in order when it is closed, behind those that were', async (t) => {
  const path = join(t.testdir({ log: 'before\n' }), 'log')
  {
    await using file = await openLineFile({ path, ...options })
    for (let n = 0; n < 1000; n++) file.write(`line ${n}`)
  }
  t.same(readFileSync(path, 'utf8').split('\n'), ['before', ...Array.from({ length: 1000 }, (_, n) => `line ${n}`), ''])
})

t.test('line file: moved away, it is made anew, and no line is lost', async (t) => {
  const directory = t.testdir()
  const path = join(directory, 'log')
  const moved = join(directory, 'log.1')
  {
    await using file = await openLineFile({ path, ...options })
    file.write('one')
    await eventually('it is written', 60_000, async () => readFileSync(path, 'utf8') === 'one\n')
    renameSync(path, moved)
    file.write('two')
    await eventually('it is noticed without being told', 60_000, async () => existsSync(path))
    file.write('three')
    await eventually('the new file is written to', 60_000, async () => readFileSync(path, 'utf8') !== '')
    renameSync(path, join(directory, 'log.2'))
    await file.look()
    t.ok(existsSync(path), 'and at once, when it is')
  }
  t.equal(readFileSync(moved, 'utf8') + readFileSync(join(directory, 'log.2'), 'utf8'), 'one\ntwo\nthree\n')
})

t.test('line file: what waits for a slow disk is bounded: lines are dropped, counted, and told of', async (t) => {
  const path = join(t.testdir(), 'log')
  const told: object[] = []
  const log: Log = { ...silentLog, error: (fields) => void told.push(fields) }
  await using file = await openLineFile({ path, ...options, log, waitingBytesMax: 1000 })
  for (let n = 0; n < 1000; n++) file.write('a line of 20 letters')
  const lines = () => readFileSync(path, 'utf8').trim().split('\n')
  await eventually('the count is written', 60_000, async () => lines().at(-1)!.startsWith('{'))
  const { dropped } = JSON.parse(lines().at(-1)!)
  t.equal(lines().length - 1 + dropped, 1000)
  t.ok(dropped > 900, `${dropped}`)
  t.match(told, [{ waitingBytesMax: 1000 }, { dropped }])
})

t.test('line file: a full disk stops nobody, and takes no more memory than that', async (t) => {
  const told: object[] = []
  const log: Log = { ...silentLog, error: (fields) => void told.push(fields) }
  {
    await using file = await openLineFile({ path: '/dev/full', ...options, log, waitingBytesMax: 10_000 })
    for (let n = 0; n < 100; n++) {
      for (let line = 0; line < 100; line++) file.write('a line of 20 letters')
      await new Promise((resolve) => setImmediate(resolve))
    }
    await eventually('it is told of', 60_000, async () => told.length > 0)
  }
  t.equal(told.length, 1, 'once, not for every line')
  await t.rejects(openLineFile({ path: '/nowhere/at/all', ...options }), { code: 'ENOENT' })
})
