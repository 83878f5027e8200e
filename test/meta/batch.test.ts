import { setImmediate as immediate } from 'node:timers/promises'
import t from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/system.ts'
import { makeBatcher } from '../../src/meta/batch.ts'

const live = new AbortController().signal
function recording(more: Partial<Parameters<typeof makeBatcher<string, string>>[0]> = {}) {
  const batches: string[][] = []
  const releases: (() => void)[] = []
  const batcher = makeBatcher<string, string>({
    lanesMax: 2,
    weightMax: 4,
    waitingMax: 10,
    onAbort: 'leave',
    clock: systemClock,
    statement: 'of_a_test_v1',
    told: undefined,
    async run(items) {
      batches.push([...items])
      if (items.some((item) => item.startsWith('bad'))) throw new Error(`cannot digest ${items.length}`)
      await new Promise<void>((resolve) => releases.push(resolve))
      return items.map((item) => item.toUpperCase())
    },
    ...more,
  })
  /** A batch that is due goes out with the first turn at the latest, one that its end makes due with the second. */
  async function turn() {
    await immediate()
    await immediate()
  }
  async function drain() {
    for (await turn(); releases.length > 0; await turn()) releases.shift()!()
  }
  return { batcher, batches, releases, turn, drain }
}

t.test('batcher: what waits together travels together, within lanes and weight', async (t) => {
  const { batcher, batches, drain } = recording()
  const all = Promise.all([...'abcdefghij'].map((item) => batcher.submit(item, live)))
  await drain()
  t.same(await all, [...'ABCDEFGHIJ'])
  t.same(
    batches.map((b) => b.join('')),
    ['abcd', 'efgh', 'ij'],
  )
})

t.test('batcher: what comes in on several connections in one turn travels together', async (t) => {
  const { batcher, batches, drain } = recording()
  const answers: Promise<string>[] = []
  // Each in a callback of its own, as sockets have it.
  for (const item of 'abc') setImmediate(() => answers.push(batcher.submit(item, live)))
  await immediate()
  await drain()
  t.same(batches, [['a', 'b', 'c']])
  t.same(await Promise.all(answers), ['A', 'B', 'C'])
})

t.test('batcher: a second lane opens for a full batch at once, for less when the first is slow', async (t) => {
  let pass = () => {}
  const after = (_ms: number, run: () => void): Disposable => {
    pass = run
    return { [Symbol.dispose]() {} }
  }
  const clock: Clock = { ...systemClock, after }
  const { batcher, batches, drain, turn } = recording({ clock })
  const all = [batcher.submit('a', live)]
  await turn()
  all.push(...[...'bcd'].map((item) => batcher.submit(item, live)))
  await turn()
  t.same(batches.length, 1, 'fewer than a batch wait for the one before')
  all.push(...[...'efgh'].map((item) => batcher.submit(item, live)))
  await turn()
  t.same(batches, [['a'], [...'bcde']], 'a full batch does not')
  await drain()
  await Promise.all(all)

  const late = batcher.submit('i', live)
  await turn()
  const latest = batcher.submit('j', live)
  await turn()
  t.same(batches.at(-1), ['i'])
  pass()
  await turn()
  t.same(batches.at(-1), ['j'], 'nor does anything behind a slow one')
  await drain()
  await Promise.all([late, latest])
})

t.test('batcher: a heavy item travels alone; the same key waits for the next batch', async (t) => {
  const heavy = recording({ lanesMax: 1, weigh: (item) => item.length })
  const all = Promise.all(['a', 'heavy!', 'b'].map((item) => heavy.batcher.submit(item, live)))
  await heavy.drain()
  await all
  t.same(heavy.batches, [['a', 'b'], ['heavy!']])
  const keyed = recording({ lanesMax: 1, keyOf: (item) => item[0]! })
  const some = Promise.all(['a1', 'b1', 'a2', 'a3'].map((item) => keyed.batcher.submit(item, live)))
  await keyed.drain()
  await some
  t.same(keyed.batches, [['a1', 'b1'], ['a2'], ['a3']])
})

t.test('batcher: one that cannot be digested fails alone', async (t) => {
  const { batcher, drain } = recording()
  const all = Promise.allSettled(['a', 'bad', 'c'].map((item) => batcher.submit(item, live)))
  await drain()
  await drain()
  t.same(
    (await all).map((r) => (r.status === 'fulfilled' ? r.value : r.reason.message)),
    ['A', 'cannot digest 1', 'C'],
  )
})

t.test('batcher: trouble of the database fails the whole batch at once', async (t) => {
  let runs = 0
  const run = async () => {
    runs++
    throw Object.assign(new Error('gone'), { code: 'ECONNRESET' })
  }
  const { batcher } = recording({ run })
  const all = await Promise.allSettled(['a', 'b'].map((item) => batcher.submit(item, live)))
  t.same([all.map((r) => r.status), runs], [['rejected', 'rejected'], 1])
})

t.test('batcher: an abort takes a waiting item out; of one under way, only a caller who may leave goes', async (t) => {
  for (const onAbort of ['leave', 'stay'] as const) {
    const { batcher, batches, drain, turn } = recording({ lanesMax: 1, weightMax: 1, onAbort })
    const [sent, waiting] = [new AbortController(), new AbortController()]
    const first = batcher.submit('a', sent.signal).catch((e) => e.message)
    const second = batcher.submit('b', waiting.signal).catch((e) => e.message)
    await turn()
    waiting.abort(new Error('left'))
    sent.abort(new Error('left'))
    t.equal(await second, 'left')
    await drain()
    t.equal(await first, onAbort === 'leave' ? 'left' : 'A')
    t.same(batches, [['a']])
  }
})

t.test('batcher: refuses more than may wait', async (t) => {
  const { batcher, drain } = recording({ lanesMax: 1, weightMax: 1, waitingMax: 2 })
  const all = Promise.allSettled(['a', 'b', 'c'].map((item) => batcher.submit(item, live)))
  await drain()
  t.same(
    (await all).map((r) => (r.status === 'fulfilled' ? r.value : r.reason.code)),
    ['A', 'B', 'SlowDown'],
  )
})
