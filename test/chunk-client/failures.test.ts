import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/base/system.ts'
import type { ChunkClientSettings } from '../../src/chunk-client/settings.ts'
import {
  failureOf,
  HandView,
  NODE,
  never,
  smallChunk,
  startTestNode,
  testClient,
  testHeader,
  testTrailer,
} from '../support/chunk-cluster.ts'
import { forkNode } from '../support/chunk-node-process.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { until } from '../support/until.ts'

async function start(t: Pick<Test, 'teardown'>, settings: Partial<ChunkClientSettings> = {}, token?: string) {
  const disk = new MemoryDisk('server-1')
  const node = await startTestNode({ disk, settings: { drainMs: 50 } })
  const view = new HandView()
  view.setNode(node)
  const client = testClient(view, settings, token)
  t.teardown(async () => {
    await client[Symbol.asyncDispose]()
    await node[Symbol.asyncDispose]()
  })
  return { disk, node, view, client }
}

const unreachable = { failure: 'unreachable' }
const block = randomBytes(131_072)

/** Writes until the stream fails; answers how it does. */
async function writeUntilFailure(t: Pick<Test, 'equal'>, client: ReturnType<typeof testClient>): Promise<unknown> {
  const writer = client.openChunk(NODE, testHeader(), never)
  for (;;) {
    try {
      await writer.write([block])
    } catch (error) {
      t.equal(await failureOf(writer.finish(testTrailer(block))), 'unreachable', 'and finish says the same')
      return error
    }
  }
}

t.test(
  'a node killed in the middle of puts and gets: unreachable, at once; back on another port, it is used again',
  async (t) => {
    const view = new HandView()
    const client = testClient(view, { callMs: 60_000, idleMs: 60_000 })
    t.teardown(() => client[Symbol.asyncDispose]())
    const first = await forkNode('server-1')
    t.teardown(() => first[Symbol.asyncDispose]())
    view.set({ id: first.serverId, grpcAddress: first.grpcAddress })
    const payload = randomBytes(20_000_000)
    const header = testHeader()
    const writer = client.openChunk(NODE, header, never)
    await writer.write([payload])
    await writer.finish(testTrailer(payload))

    const before = performance.now()
    const put = writeUntilFailure(t, client)
    const get = client
      .streamPayload(NODE, { ...header, offset: 0, length: payload.length }, never)
      [Symbol.asyncIterator]()
    await get.next()
    const small = (async () => {
      for (;;) await client.putChunk(NODE, smallChunk(randomBytes(100)), never)
    })()
    small.catch(() => {})
    setTimeout(() => first.process.kill('SIGKILL'), 30)
    t.match(await put, unreachable)
    t.equal(await failureOf(small), 'unreachable')
    const rest = async () => {
      while (!(await get.next()).done);
    }
    t.equal(await failureOf(rest()), 'unreachable')
    t.ok(performance.now() - before < 30_000, 'without waiting for a time-out')
    await until(() => !client.isReachable(NODE))
    t.equal(await failureOf(client.putChunk(NODE, smallChunk(block), never)), 'unreachable')

    const second = await forkNode('server-1')
    t.teardown(() => second[Symbol.asyncDispose]())
    view.set({ id: second.serverId, grpcAddress: second.grpcAddress })
    await client.putChunk(NODE, smallChunk(block), never)
    t.ok(client.isReachable(NODE))
  },
)

t.test(
  'a node that is stopped in its tracks: time-out, unreachable; set going again, it is found by the probe',
  async (t) => {
    const view = new HandView()
    const client = testClient(view, { connectMs: 150, callMs: 150, idleMs: 150, probeMs: 50 })
    t.teardown(() => client[Symbol.asyncDispose]())
    const node = await forkNode('server-1')
    t.teardown(() => node[Symbol.asyncDispose]())
    view.set({ id: node.serverId, grpcAddress: node.grpcAddress })
    await client.putChunk(NODE, smallChunk(block), never)
    const put = writeUntilFailure(t, client)
    node.process.kill('SIGSTOP')
    t.equal(await failureOf(client.putChunk(NODE, smallChunk(block), never)), 'unreachable')
    t.match(await put, unreachable)
    await until(() => !client.isReachable(NODE))
    node.process.kill('SIGCONT')
    await until(() => client.isReachable(NODE))
    await client.putChunk(NODE, smallChunk(block), never)
  },
)

t.test(
  'a disk that never answers: every kind of call times out; the node is given up after several, and asked again',
  async (t) => {
    const { client, disk } = await start(t, { callMs: 100, idleMs: 100, tripAfterTimeouts: 3, tripMs: 200 })
    const chunk = smallChunk(block)
    await client.putChunk(NODE, chunk, never)
    const hang = () => new Promise<never>(() => {})
    disk.hooks = { put: hang, read: hang, sinkWrite: hang, commit: hang }
    const range = { ...chunk.header, offset: 0, length: 100 }
    t.equal(await failureOf(client.getPayload(NODE, range, never)), 'unreachable')
    t.ok(client.isReachable(NODE), 'one call does not condemn it')
    t.equal(await failureOf(client.streamPayload(NODE, range, never)[Symbol.asyncIterator]().next()), 'unreachable')
    t.match(await writeUntilFailure(t, client), unreachable)
    t.notOk(client.isReachable(NODE))
    disk.hooks = {}
    await until(() => client.isReachable(NODE))
    await client.putChunk(NODE, smallChunk(block), never)
    disk.hooks = { commit: hang }
    const writer = client.openChunk(NODE, testHeader(), never)
    await writer.write([block])
    t.equal(await failureOf(writer.finish(testTrailer(block))), 'unreachable')
  },
)

t.test('calls that time out leave the others alone, and do not condemn a server that answers those', async (t) => {
  const { client, disk } = await start(t, { callMs: 200 })
  const chunk = smallChunk(block)
  await client.putChunk(NODE, chunk, never)
  disk.hooks.put = () => new Promise(() => {})
  let areHung = true
  const reading = (async () => {
    while (areHung) {
      t.ok((await client.getPayload(NODE, { ...chunk.header, offset: 0, length: 131_072 }, never)).equals(block))
      await systemClock.sleep(80)
    }
  })()
  const hung = Array.from({ length: 20 }, async (_, index) => {
    await systemClock.sleep((index % 10) * 10)
    const failure = await failureOf(client.putChunk(NODE, smallChunk(block), never))
    return { failure, isReachable: client.isReachable(NODE) }
  })
  for (const outcome of await Promise.all(hung)) t.same(outcome, { failure: 'unreachable', isReachable: true })
  areHung = false
  await reading
})

t.test('a token that is wrong: unreachable, every call, without a crash', async (t) => {
  const { client, disk } = await start(t, {}, 'another token')
  await t.rejects(client.putChunk(NODE, smallChunk(block), never), { failure: 'unreachable', message: /token/ })
  t.match(await writeUntilFailure(t, client), unreachable)
  t.equal(await failureOf(client.deleteChunks(NODE, [testHeader()], never)), 'unreachable')
  t.notOk(client.isReachable(NODE))
  t.equal(disk.chunks.size + disk.openSinks, 0)
})

t.test('a server that does not listen, or does not answer, is unreachable within connectMs', async (t) => {
  const view = new HandView()
  const client = testClient(view, { connectMs: 200, callMs: 60_000, idleMs: 60_000 })
  t.teardown(() => client[Symbol.asyncDispose]())
  const sockets: Socket[] = []
  const mute = createServer((socket) => sockets.push(socket.resume())).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    mute.close()
  })
  const address = mute.address() as { port: number }
  for (const grpcAddress of ['127.0.0.1:1', `127.0.0.1:${address.port}`]) {
    view.set({ id: 'server-1' as never, grpcAddress })
    t.ok(client.isReachable(NODE), 'nothing is known yet')
    const before = performance.now()
    t.equal(await failureOf(client.putChunk(NODE, smallChunk(block), never)), 'unreachable')
    t.equal(await failureOf(client.openChunk(NODE, testHeader(), never).write([block])), 'unreachable')
    t.ok(performance.now() - before < 30_000, 'not callMs, not idleMs')
    t.notOk(client.isReachable(NODE))
  }
})

t.test('isReachable follows the cluster: stale, failed, removed', async (t) => {
  const { client, view, node } = await start(t)
  t.ok(client.isReachable(NODE))
  await client.putChunk(NODE, smallChunk(block), never)
  for (const change of [{ isStale: true }, { status: 'failed' as const }, { status: 'removed' as const }]) {
    view.setNode(node, change)
    t.notOk(client.isReachable(NODE), JSON.stringify(change))
  }
  t.equal(await failureOf(client.putChunk(NODE, smallChunk(block), never)), 'unreachable')
  view.setNode(node, { status: 'draining' })
  t.ok(client.isReachable(NODE))
  await client.putChunk(NODE, smallChunk(block), never)
})

t.test('cancelling: the call ends as aborted, its buffers are let go, and the node keeps nothing', async (t) => {
  const { client, disk } = await start(t)
  const gate = Promise.withResolvers<void>()
  const hold = () => gate.promise
  disk.hooks = { sinkWrite: hold, read: hold, put: hold }
  const range = { ...testHeader(), offset: 0, length: 100 }
  const stop = new AbortController()
  const writer = client.openChunk(NODE, testHeader(), stop.signal)
  const writes = Array.from({ length: 50 }, () => writer.write([block]))
  const others = [
    client.putChunk(NODE, smallChunk(block), stop.signal),
    client.getPayload(NODE, range, stop.signal),
    client.streamPayload(NODE, range, stop.signal)[Symbol.asyncIterator]().next(),
  ]
  const given = client.openChunk(NODE, testHeader(), never)
  const givenWrites = Array.from({ length: 50 }, () => given.write([block]))
  await until(() => disk.openSinks === 2)
  const settled = [Promise.allSettled(writes), Promise.allSettled(givenWrites)]
  const failures = others.map((call) => failureOf(call))
  stop.abort(new Error('the reader went away'))
  given.abort()
  t.same(await Promise.all(failures), ['aborted', 'aborted', 'aborted'])
  for (const outcomes of await Promise.all(settled)) {
    t.ok(outcomes.some((outcome) => outcome.status === 'rejected'))
    t.ok(outcomes.every((outcome) => outcome.status === 'fulfilled' || outcome.reason.failure === 'aborted'))
  }
  t.equal(await failureOf(writer.finish(testTrailer(block))), 'aborted')
  t.equal(await failureOf(client.putChunk(NODE, smallChunk(block), stop.signal)), 'aborted')
  t.equal(await failureOf(client.openChunk(NODE, testHeader(), stop.signal).write([block])), 'aborted')
  gate.resolve()
  await until(() => disk.openSinks === 0)
  t.ok(
    [...disk.chunks.values()].every(({ payload }) => payload.length === block.length),
    'no half chunk',
  )
})

t.test('a put that is cancelled before it was sent is never sent', async (t) => {
  const { client, disk } = await start(t)
  await client.putChunk(NODE, smallChunk(block), never)
  const stop = new AbortController()
  const put = client.putChunk(NODE, smallChunk(block), stop.signal)
  stop.abort()
  t.equal(await failureOf(put), 'aborted')
  await client.putChunk(NODE, smallChunk(block), never)
  t.equal(disk.putCount, 2)
})

t.test('a writer that was finished is not undone by abort', async (t) => {
  const { client, disk } = await start(t)
  const stop = new AbortController()
  const writer = client.openChunk(NODE, testHeader(), stop.signal)
  await writer.write([block])
  await writer.finish(testTrailer(block))
  writer.abort()
  stop.abort()
  t.equal(disk.chunks.size, 1)
})
