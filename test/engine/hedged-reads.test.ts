import t from 'tap'
import type { ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { readObject } from '../../src/engine/read-object.ts'
import { writePart } from '../../src/engine/write-part.ts'
import { claimsOf, engineOver, foundObject, inPieces, label, patterned } from '../support/engine.ts'
import { MemoryNodes } from '../support/memory-nodes.ts'
import { HandClock, passTime } from '../support/moved-clock.ts'

const BLOCK = 4096
const STRIPE = 6 * BLOCK
const forever = new AbortController().signal
/** Before anything is known of the servers' speed. */
const DELAY_MS = 100

async function open(servers: number) {
  const nodes = new MemoryNodes(servers)
  const clock = new HandClock()
  const deps = await engineOver(nodes, {}, {}, clock)
  const write = async (bytes: Buffer) => {
    const order = { claims: claimsOf(bytes.length), label }
    await using draft = await writePart(deps, order, inPieces(bytes, 50_000), forever)
    draft.keep()
    return draft.layout!
  }
  const begin = async (layout: PartLayout, first = 0, last = layout.sizeBytes - 1) => {
    const pieces: Buffer[] = []
    for await (const piece of readObject(deps, foundObject(layout), { first, last }, forever)) {
      pieces.push(Buffer.from(piece))
    }
    return Buffer.concat(pieces)
  }
  const read = async (...range: Parameters<typeof begin>) => {
    const { outcome, tookMs } = await passTime(clock, begin(...range), { stepMs: 5 })
    if (outcome.status === 'rejected') throw outcome.reason
    return { bytes: outcome.value, tookMs }
  }
  return { nodes, clock, deps, write, begin, read }
}

t.test('any node hung, small parts and large ones, whole and ranges: exact bytes after the delay', async (t) => {
  for (const size of [700, STRIPE + 1, 40 * STRIPE + 4711]) {
    const bytes = patterned(size)
    for (let n = 1; n <= 6; n++) {
      const { nodes, read, write, deps } = await open(6)
      const layout = await write(bytes)
      nodes.hang(n as ServerNumber)
      const whole = await read(layout)
      t.ok(whole.bytes.equals(bytes), `${size} bytes without server ${n}`)
      t.ok(whole.tookMs <= 2 * DELAY_MS, `${whole.tookMs} ms`)
      const middle = await read(layout, Math.floor(size / 3), Math.floor(size / 2))
      t.ok(middle.bytes.equals(bytes.subarray(Math.floor(size / 3), Math.floor(size / 2) + 1)))
      t.ok(middle.tookMs <= 2 * DELAY_MS)
      t.equal(
        deps.readMemory.share(0).bytes,
        (await open(6)).deps.readMemory.share(0).bytes,
        'all memory is given back',
      )
    }
  }
})

t.test('two nodes hung on eight: exact bytes all the same', async (t) => {
  const bytes = patterned(40 * STRIPE)
  const { nodes, read, write } = await open(8)
  const layout = await write(bytes)
  for (const index of [0, 3]) nodes.hang(layout.servers[index]!)
  const { bytes: got, tookMs } = await read(layout)
  t.ok(got.equals(bytes))
  t.ok(tookMs <= 3 * DELAY_MS, `${tookMs} ms`)
})

t.test('three hung: nothing is guessed; when one goes on, exact bytes', async (t) => {
  const bytes = patterned(3 * STRIPE)
  const { nodes, begin, clock, write } = await open(8)
  const layout = await write(bytes)
  for (const index of [0, 3, 6]) nodes.hang(layout.servers[index]!)
  let isDone = false
  const reading = begin(layout).finally(() => (isDone = true))
  for (let step = 0; step < 100; step++) {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    clock.advance(100)
  }
  t.notOk(isDone)
  nodes.resume(layout.servers[3]!)
  const { outcome } = await passTime(clock, reading)
  t.ok(outcome.status === 'fulfilled' && outcome.value.equals(bytes))
})

t.test('a node that is silent for half a second is asked no more, but by one now and then; back, by all', async (t) => {
  const bytes = patterned(STRIPE)
  const { nodes, clock, deps, read, begin, write } = await open(8)
  const layout = await write(bytes)
  const hung = layout.servers[2]!
  nodes.hang(hung)
  let waitedMs = 0
  while (!deps.late.reads.has(hung) && waitedMs < 2_000) {
    const { tookMs, bytes: got } = await read(layout)
    t.ok(got.equals(bytes))
    waitedMs += tookMs
  }
  t.ok(waitedMs >= 500 && waitedMs <= 600, `${waitedMs} ms`)
  t.equal((await read(layout)).tookMs, 0)

  clock.advance(10_000)
  const hedgedBefore = deps.hedging.counts.hedged
  const { outcome } = await passTime(clock, Promise.all([1, 2, 3, 4].map(() => begin(layout))), { stepMs: 5 })
  t.equal(outcome.status, 'fulfilled')
  t.equal(deps.hedging.counts.hedged - hedgedBefore, 1, 'one of four tries it')

  nodes.resume(hung)
  clock.advance(10_000)
  t.equal((await read(layout)).tookMs, 0)
  t.notOk(deps.late.reads.has(hung), 'it answered the trial')
})

t.test('a node that is 5 s slow: asked no more after half a second, however often it answers late', async (t) => {
  const bytes = patterned(2 * STRIPE)
  const { nodes, clock, deps, read, write } = await open(6)
  const layout = await write(bytes)
  const slow = layout.servers[2]!
  nodes.slow.set(slow, () => new Promise((resolve) => clock.after(5_000, resolve)))
  const tookMs: number[] = []
  for (let n = 0; n < 100; n++) {
    const got = await read(layout)
    t.ok(got.bytes.equals(bytes))
    tookMs.push(got.tookMs)
    clock.advance(300)
  }
  const waited = tookMs.filter((ms) => ms > 0)
  t.ok(waited.length <= 12, `${waited.length} of 100 reads in 30 s waited: at first, and one for each trial`)
  t.ok(Math.max(...waited) <= 2 * DELAY_MS, `${Math.max(...waited)} ms at most`)
  t.ok(deps.late.reads.has(slow))
})

t.test('a node that merely stumbles is neither passed over nor taken off its stream', async (t) => {
  const bytes = patterned(40 * STRIPE)
  const { nodes, clock, deps, begin, write } = await open(8)
  const layout = await write(bytes)
  const slow = layout.servers[2]!
  nodes.hang(slow)
  const reading = begin(layout)
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  clock.advance(DELAY_MS / 2)
  nodes.resume(slow)
  const { outcome, tookMs } = await passTime(clock, reading)
  t.ok(outcome.status === 'fulfilled' && outcome.value.equals(bytes))
  t.equal(tookMs, 0)
  t.same(deps.hedging.counts, { hedged: 0, won: 0 })
  t.notOk(deps.late.reads.has(slow))
})

t.test('what is typical is learnt: reads that are fast are hedged sooner, slow ones later', async (t) => {
  const { deps, clock } = await open(6)
  const { hedging } = deps
  const learn = (tookMs: (server: number) => number) => {
    for (let n = 0; n < 6_000; n++) {
      const patience = hedging.begin(4096)
      clock.advance(tookMs((n % 6) + 1))
      hedging.noteInTime(((n % 6) + 1) as ServerNumber, patience)
    }
  }
  const delayMs = async () => {
    using patience = hedging.begin(4096)
    return (await passTime(clock, patience.late(), { stepMs: 1 })).tookMs
  }
  t.equal(await delayMs(), DELAY_MS)
  learn(() => 1)
  t.equal(await delayMs(), 10, 'no sooner than the setting says')
  learn((server) => (server === 3 ? 400 : 20))
  const delay = await delayMs()
  t.ok(delay >= 40 && delay <= 60, `one slow server does not make it slow: ${delay} ms`)
  learn(() => 400)
  t.equal(await delayMs(), 500, 'and never later than half a second')
})

t.test('the budget bounds what is asked for twice; beyond it, half a second is waited', async (t) => {
  const bytes = patterned(3 * STRIPE)
  const { nodes, deps, read, write } = await open(8)
  const layout = await write(bytes)
  for (let n = 0; n < 10_000 && deps.hedging.tryTake(); n++);
  nodes.hang(layout.servers[2]!)
  const { tookMs, bytes: got } = await read(layout)
  t.ok(got.equals(bytes))
  t.ok(tookMs >= 450 && tookMs <= 520, `${tookMs} ms`)
})

t.test('healthy nodes: no hedge, no second request', async (t) => {
  const { nodes, deps, read, write } = await open(8)
  const layout = await write(patterned(STRIPE))
  nodes.calls.getPayload = 0
  await read(layout)
  t.equal(nodes.calls.getPayload, 6)
  t.same(deps.hedging.counts, { hedged: 0, won: 0 })
})
