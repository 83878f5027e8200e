import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ChunkError } from '../../src/base/faults.ts'
import { chunkIdBytes, partIdFromBytes, type ServerNumber } from '../../src/base/ids.ts'
import { H2Stream } from '../../src/base/rpc/h2-stream.ts'
import type { ChunkClient } from '../../src/chunk-client/client.ts'
import type { ChunkClientSettings } from '../../src/chunk-client/settings.ts'
import { PartLabel, PartSeal } from '../../src/gen/sextant/chunk/v1/chunk.ts'
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
import { MemoryDisk } from '../support/memory-disk.ts'
import { until } from '../support/until.ts'

interface StartOptions {
  overSocket?: boolean
  settings?: Partial<ChunkClientSettings>
}

async function start(t: Pick<Test, 'teardown'>, { overSocket, settings }: StartOptions = {}) {
  const disk = new MemoryDisk('server-1')
  const folder = await mkdtemp(join(tmpdir(), 'sextant-client-'))
  const node = await startTestNode({ disk, settings: { socketPath: overSocket ? join(folder, 'node.sock') : '' } })
  const view = new HandView()
  // Over the socket, the TCP address is one that nobody could use.
  view.setNode(node, overSocket ? { grpcAddress: '127.0.0.1:1' } : {})
  const client = testClient(view, settings)
  t.teardown(async () => {
    await client[Symbol.asyncDispose]()
    await node[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  return { disk, node, view, client }
}

async function putLarge(client: ChunkClient, payload: Buffer, header = testHeader()) {
  const writer = client.openChunk(NODE, header, never)
  const writes: Promise<void>[] = []
  for (let at = 0; at < payload.length; at += 131_076) {
    const block = Buffer.from(payload.subarray(at, at + 131_072))
    const checksum = Buffer.from(payload.subarray(at + 131_072, at + 131_076))
    // What the caller does with its buffers once a write has resolved must not matter.
    const wipe = () => {
      block.fill(0)
      checksum.fill(0)
    }
    const write = writer.write([block, checksum]).then(wipe)
    write.catch(() => {}) // several may fail together; the first to be awaited tells
    writes.push(write)
    if (writes.length % 3 === 0) await writes.at(-1)
  }
  await Promise.all(writes)
  await writer.finish(testTrailer(payload))
  return header
}

async function collect<T>(all: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of all) items.push(item)
  return items
}

for (const overSocket of [false, true]) {
  const way = overSocket ? 'a Unix socket' : 'TCP'

  t.test(`small chunks over ${way}: what was put is got, whole and in parts`, async (t) => {
    const { client, disk } = await start(t, { overSocket })
    for (const size of [0, 1, 700, 131_076, 1_000_000]) {
      const payload = randomBytes(size)
      const middle = Math.floor(size / 2)
      const chunk = { ...smallChunk(payload), pieces: [payload.subarray(0, middle), payload.subarray(middle)] }
      await client.putChunk(NODE, chunk, never)
      const whole = { ...chunk.header, offset: 0, length: size }
      t.ok((await client.getPayload(NODE, whole, never)).equals(payload), `${size} bytes`)
      const part = { ...whole, offset: middle, length: size - middle }
      t.ok((await client.getPayload(NODE, part, never)).equals(payload.subarray(middle)))
    }
    t.equal(disk.chunks.size, 5)
  })

  t.test(`large chunks over ${way}: what was written is read, whole and in parts`, async (t) => {
    const { client } = await start(t, { overSocket })
    for (const size of [0, 1, 131_076, 5_000_001]) {
      const payload = randomBytes(size)
      const header = await putLarge(client, payload)
      const pieces: Buffer[] = []
      const range = { ...header, offset: Math.floor(size / 3), length: size - Math.floor(size / 3) }
      for await (const piece of client.streamPayload(NODE, range, never)) pieces.push(piece)
      t.ok(Buffer.concat(pieces).equals(payload.subarray(range.offset)), `${size} bytes`)
    }
  })
}

t.test('a write that is longer than a message may be is cut', async (t) => {
  const { client, disk } = await start(t)
  const payload = randomBytes(3_500_000)
  const writer = client.openChunk(NODE, testHeader(), never)
  await writer.write([payload.subarray(0, 100), payload.subarray(100, 2_500_000), payload.subarray(2_500_000)])
  await writer.finish(testTrailer(payload))
  t.ok([...disk.chunks.values()][0]!.payload.equals(payload))
})

t.test('label and seal arrive as protobuf, so that a catalogue can be rebuilt from them', async (t) => {
  const { client, disk } = await start(t)
  const chunk = smallChunk(randomBytes(10))
  await client.putChunk(NODE, chunk, never)
  const large = await putLarge(client, randomBytes(200_000), { ...chunk.header, index: 5 })
  for (const header of [chunk.header, large]) {
    const kept = disk.chunks.get(chunkIdBytes(header.partId, header.index).toString('hex'))!
    t.match(kept.header, { dataChunks: 6, parityChunks: 2, blockBytes: 131_072 })
    const { createdMs, ...label } = header.label
    t.strictSame(PartLabel.decode(kept.header.label), { encryption: '', ...label, createdUnixMs: createdMs })
    t.strictSame(PartSeal.decode(kept.trailer.seal), { plainBytes: 0, ...chunk.trailer.seal })
  }
})

t.test('thousands of small puts at once travel in few messages, and every one is kept', async (t) => {
  const { client, disk } = await start(t, { settings: { callMs: 20_000 } })
  // Both sides run in this process; the session is open, so that all that is sent are batches.
  await client.putChunk(NODE, smallChunk(Buffer.from('first')), never)
  const messages = t.capture(H2Stream.prototype, 'send', H2Stream.prototype.send)
  const count = 5000
  const chunks = Array.from({ length: count }, (_, index) => smallChunk(Buffer.from(`payload ${index}`)))
  await Promise.all(chunks.map((chunk) => client.putChunk(NODE, chunk, never)))
  t.equal(disk.chunks.size, count + 1)
  const sent = messages().length
  t.ok(sent <= 3 * (Math.ceil(count / 32) + 5), `${sent} messages, there and back`)
  const last = { ...chunks[4999]!.header, offset: 0, length: 12 }
  t.equal((await client.getPayload(NODE, last, never)).toString(), 'payload 4999')
})

t.test('a small call waits for no other, and for no timer: one slow call does not hold up the next', async (t) => {
  const { client, disk } = await start(t)
  await client.putChunk(NODE, smallChunk(randomBytes(10)), never)
  const gate = Promise.withResolvers<void>()
  disk.hooks.put = () => gate.promise
  const slow = [1, 2, 3].map(() => client.putChunk(NODE, smallChunk(randomBytes(10)), never))
  const kept = [...disk.chunks.values()][0]!
  const stored = Buffer.from(kept.header.chunkId)
  const range = { partId: partIdFromBytes(stored), index: stored[16]!, offset: 0, length: 10 }
  for (let round = 0; round < 5; round++) {
    slow.push(client.putChunk(NODE, smallChunk(randomBytes(10)), never))
    await new Promise((resolve) => setTimeout(resolve, 5))
    t.ok((await client.getPayload(NODE, range, never)).equals(kept.payload))
  }
  gate.resolve()
  await Promise.all(slow)
})

t.test('refusals of the disk arrive as what they are', async (t) => {
  const { client, disk } = await start(t)
  const failures = ['not-found', 'corrupt', 'no-space', 'failed', 'invalid'] as const
  for (const failure of failures) {
    const refuse = async () => {
      throw new ChunkError(failure, `because: ${failure} %20 ü \ud800`)
    }
    disk.hooks = { put: refuse, read: refuse, commit: refuse }
    const expected = { failure, message: /^because/ }
    const range = { ...testHeader(), offset: 0, length: 10 }
    await t.rejects(client.putChunk(NODE, smallChunk(randomBytes(10)), never), expected)
    await t.rejects(client.getPayload(NODE, range, never), expected)
    await t.rejects(putLarge(client, randomBytes(10)), expected)
    await t.rejects(client.streamPayload(NODE, range, never)[Symbol.asyncIterator]().next(), expected)
  }
  disk.hooks = {
    sinkWrite: async () => {
      throw new ChunkError('no-space', 'full')
    },
  }
  t.equal(await failureOf(putLarge(client, randomBytes(5_000_000))), 'no-space', 'in the middle of a chunk')
  await until(() => disk.openSinks === 0)
  t.ok(client.isReachable(NODE), 'a server that refuses is reachable')
})

t.test('listing and deletion', async (t) => {
  const { client, disk } = await start(t)
  const chunks = Array.from({ length: 2500 }, () => smallChunk(randomBytes(5)))
  await Promise.all(chunks.map((chunk) => client.putChunk(NODE, chunk, never)))
  const listed = await collect(client.listChunks(NODE, { session: 7, createdBeforeMs: Date.now() + 1000 }, never))
  const key = ({ partId, index }: { partId: string; index: number }) => `${partId}.${index}`
  t.same(listed.flat().map(key).sort(), chunks.map((chunk) => key(chunk.header)).sort())
  t.same(await collect(client.listChunks(NODE, { session: 8 }, never)), [])
  t.same(await collect(client.listChunks(NODE, { createdBeforeMs: 1 }, never)), [])
  await client.deleteChunks(NODE, [...chunks.map(({ header }) => header), testHeader()], never)
  t.equal(disk.chunks.size, 0)
})

t.test('a socket that another server listens on is passed over', async (t) => {
  const { view, client, disk, node } = await start(t)
  const folder = await mkdtemp(join(tmpdir(), 'sextant-client-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const other = await startTestNode({ disk: new MemoryDisk('server-2'), settings: { socketPath: join(folder, 's') } })
  t.teardown(() => other[Symbol.asyncDispose]())
  view.setNode(node, { socketPath: other.socketPath })
  await client.putChunk(NODE, smallChunk(randomBytes(5)), never)
  t.equal(disk.chunks.size, 1)
  view.set({ id: node.serverId, grpcAddress: other.grpcAddress })
  t.equal(await failureOf(client.putChunk(NODE, smallChunk(randomBytes(5)), never)), 'unreachable')
})

t.test('what cannot be is refused at once', async (t) => {
  const { client } = await start(t, { settings: { callsMax: 2 } })
  const chunk = smallChunk(randomBytes(5))
  t.equal(await failureOf(client.putChunk(9 as ServerNumber, chunk, never)), 'unreachable')
  t.equal(
    await failureOf(client.getPayload(NODE, { ...chunk.header, offset: 0, length: 2 ** 20 + 1 }, never)),
    'invalid',
  )
  t.equal(await failureOf(client.putChunk(NODE, { ...chunk, pieces: [randomBytes(9 * 2 ** 20)] }, never)), 'invalid')
  await client.putChunk(NODE, chunk, never)
  const calls = await Promise.allSettled([1, 2, 3].map(() => client.putChunk(NODE, smallChunk(randomBytes(5)), never)))
  t.same(
    calls.map((call) => call.status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
  await client[Symbol.asyncDispose]()
  t.equal(await failureOf(client.putChunk(NODE, chunk, never)), 'unreachable')
})
