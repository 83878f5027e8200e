import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Clock } from '../../src/base/clock.ts'
import { systemClock } from '../../src/base/system.ts'
import type { ChunkClient } from '../../src/chunk-client/client.ts'
import type { PayloadRange } from '../../src/engine/ports/chunk-store.ts'
import {
  HandView,
  NODE,
  never,
  startTestNode,
  TOKEN,
  testClient,
  testHeader,
  testTrailer,
} from '../support/chunk-cluster.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { until } from '../support/until.ts'

const MIB = 1024 * 1024
const block = randomBytes(128 * 1024)

/** Of waits for a word of progress, longer than any other. */
const IDLE_MS = 20_000

/** Which counts the waits that are timed. */
function countingClock() {
  let timed = 0
  const after = (ms: number, run: () => void): Disposable => {
    const timer = systemClock.after(ms, () => {
      timed -= 1
      run()
    })
    timed += 1
    return {
      [Symbol.dispose]() {
        timed -= 1
        timer[Symbol.dispose]()
      },
    }
  }
  const clock: Clock = {
    ...systemClock,
    after: (ms, run) => (ms < IDLE_MS * 0.75 ? systemClock.after(ms, run) : after(ms, run)),
  }
  return { clock, timed: () => timed }
}

async function start(t: Pick<Test, 'teardown'>) {
  const disk = new MemoryDisk('server-1')
  const node = await startTestNode({ disk, settings: { drainMs: 60_000 } })
  const view = new HandView()
  view.setNode(node)
  const { clock, timed } = countingClock()
  const client = testClient(view, { connectMs: 5_000, callMs: 5_000, idleMs: IDLE_MS }, TOKEN, { clock })
  t.teardown(async () => {
    await client[Symbol.asyncDispose]()
    await node[Symbol.asyncDispose]()
  })
  return { disk, client, node, timed }
}

/** Answers all of its payload. */
async function writeChunk(client: ChunkClient, length: number): Promise<PayloadRange> {
  const payload = randomBytes(length)
  const header = testHeader()
  const writer = client.openChunk(NODE, header, never)
  await writer.write([payload])
  await writer.finish(testTrailer(payload))
  return { ...header, offset: 0, length }
}

/** What `progress` has come to once it stands still. */
async function settled(progress: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = progress()
    if (now === last) return now
    last = now
    await systemClock.sleep(150)
  }
}

t.test(
  'a disk that takes nothing: a writer is held up after a bounded number of bytes, and goes on with the disk',
  async (t) => {
    const { client, disk } = await start(t)
    const gate = Promise.withResolvers<void>()
    disk.hooks.sinkWrite = () => gate.promise
    const writer = client.openChunk(NODE, testHeader(), never)
    const blocks = 400
    let accepted = 0
    const writing = (async () => {
      for (; accepted < blocks; accepted++) await writer.write([block])
    })()
    await until(() => disk.openSinks === 1)
    const held = (await settled(() => accepted)) * block.length
    t.ok(held > 0 && held <= 0.75 * MIB, `${held} bytes accepted ahead of the disk`)
    gate.resolve()
    await writing
    await writer.finish(testTrailer(Buffer.alloc(0)))
    t.equal(disk.acceptedBytes, blocks * block.length)
  },
)

t.test('a reader that takes nothing: the node reads a bounded number of bytes ahead', async (t) => {
  const { client, disk } = await start(t)
  const range = await writeChunk(client, 50 * MIB)
  let reads = 0
  disk.hooks.read = async () => {
    reads += 1
  }
  const stream = client.streamPayload(NODE, range, never)
  const iterator = stream[Symbol.asyncIterator]()
  const first = await iterator.next()
  const ahead = (await settled(() => reads)) * 256 * 1024
  t.ok(ahead <= 2 * MIB, `${ahead} bytes read ahead`)
  let bytes = first.done ? 0 : first.value.length
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) bytes += step.value.length
  t.equal(bytes, range.length)
})

t.test('a reader that leaves early ends the call', async (t) => {
  const { client, node } = await start(t)
  const range = await writeChunk(client, 50 * MIB)
  for await (const piece of client.streamPayload(NODE, range, never)) {
    t.ok(piece.length > 0)
    break
  }
  const before = performance.now()
  await node[Symbol.asyncDispose]()
  t.ok(performance.now() - before < 30_000, 'no call is left that a stop has to wait for')
})

t.test('a reader that gave up, and asks for nothing more, leaves no timer running', async (t) => {
  const { client, timed } = await start(t)
  const range = await writeChunk(client, 50 * MIB)
  await until(() => timed() === 0)
  const stop = new AbortController()
  const stream = client.streamPayload(NODE, range, stop.signal)
  await stream[Symbol.asyncIterator]().next()
  t.equal(timed(), 1)
  stop.abort()
  t.equal(timed(), 0)
})
