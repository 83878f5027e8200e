import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { partIdFromBytes } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { openLocalChunks } from '../../src/chunk-client/local-chunks.ts'
import type { SmallChunk } from '../../src/engine/ports/chunk-store.ts'
import type { StoredChunk } from '../../src/engine/ports/local-chunks.ts'
import { makeChunk, openTestDisk, refused, type TestChunk, temporaryDirectory } from '../storage-node/disk/chunks.ts'
import { HandClock } from '../storage-node/disk/faulty-fs.ts'
import { failureOf, HandView, NODE, never, startTestNode, testClient, testHeader } from '../support/chunk-cluster.ts'

const chunks = [1, 2, 3].map((seed) => makeChunk({ seed, dataBytes: 100_000, blockBytes: 65_536 }))
const [first, second, third] = chunks as [TestChunk, TestChunk, TestChunk]
/** Each segment takes two of them, and is rewritten once one is dead. */
const tight = {
  segmentBytesMax: 150_000,
  compaction: { liveFractionMin: 0.9, bytesPerSecond: 1e12 },
}

async function start(t: Test) {
  const directory = await temporaryDirectory(t)
  const disk = await openTestDisk({ directory, ...tight })
  t.teardown(() => disk[Symbol.asyncDispose]())
  const node = await startTestNode({ disk })
  t.teardown(() => node[Symbol.asyncDispose]())
  const view = new HandView()
  view.setNode(node, { dataDirectory: directory })
  const client = testClient(view, { callMs: 5000 })
  t.teardown(() => client[Symbol.asyncDispose]())
  const clock = new HandClock()
  const local = openLocalChunks({ cluster: view, clock, log: silentLog })
  t.teardown(() => local[Symbol.asyncDispose]())
  return { directory, disk, client, clock, local }
}

function nameOf({ id, payload }: TestChunk): StoredChunk {
  return { partId: partIdFromBytes(id), index: id[16]!, payloadBytes: payload.length }
}

/** As the engine hands it over. */
function whole(chunk: TestChunk): SmallChunk {
  const { label } = testHeader()
  const chunkHash = Buffer.from(chunk.trailer.chunkHash)
  const seal = { etag: 'etag', checksumAlgorithm: '', checksum: '' }
  return {
    header: { ...nameOf(chunk), dataChunks: 6, parityChunks: 2, blockBytes: 65_536, label },
    pieces: [chunk.payload],
    trailer: { partBytes: chunk.trailer.partBytes, chunkHash, seal },
  }
}

async function readOf(local: ReturnType<typeof openLocalChunks>, chunk: TestChunk, offset = 0): Promise<Buffer> {
  const targets = [Buffer.alloc(10), Buffer.alloc(chunk.payload.length - offset - 10)]
  await local.read(NODE, nameOf(chunk), { offset, targets })
  return Buffer.concat(targets)
}

t.test('a small chunk is read where its node said that it put it, or says that it lies', async (t) => {
  const { client, local } = await start(t)
  for (const chunk of [first, second]) {
    t.notOk(local.has(NODE, nameOf(chunk)))
    t.ok(local.needsPlace(NODE, nameOf(chunk)))
    const place = await client.putChunk(NODE, whole(chunk), never)
    t.same(await client.locateChunk(NODE, nameOf(chunk), never), place)
    local.learn(NODE, nameOf(chunk), place!)
    t.ok(local.has(NODE, nameOf(chunk)))
    t.notOk(local.needsPlace(NODE, nameOf(chunk)))
    t.ok((await readOf(local, chunk)).equals(chunk.payload))
    t.ok((await readOf(local, chunk, 65_540)).equals(chunk.payload.subarray(65_540)))
  }
  t.equal(await failureOf(client.locateChunk(NODE, nameOf(third), never)), 'not-found')
})

t.test('a chunk that was moved: right while its old segment is open, then asked for anew', async (t) => {
  const { directory, disk, client, local, clock } = await start(t)
  for (const chunk of chunks) local.learn(NODE, nameOf(chunk), (await client.putChunk(NODE, whole(chunk), never))!)
  t.ok((await readOf(local, second)).equals(second.payload))
  const before = await readdir(join(directory, 'segments'))
  await client.deleteChunks(NODE, [nameOf(first)], never)
  await disk.compacted()
  const after = await readdir(join(directory, 'segments'))
  t.ok(
    before.some((name) => !after.includes(name)),
    'the segment was rewritten',
  )
  t.ok((await readOf(local, second)).equals(second.payload), 'from the file that was open')
  // Unused for as long as files are kept open.
  clock.advance(10_000)
  clock.advance(10_000)
  await t.rejects(readOf(local, second), refused('not-found'))
  t.notOk(local.has(NODE, nameOf(second)), 'the old place is forgotten')
  local.learn(NODE, nameOf(second), await client.locateChunk(NODE, nameOf(second), never))
  t.ok((await readOf(local, second)).equals(second.payload))
})

t.test('a place that something else has taken: what is read there is another, which the reader sees', async (t) => {
  const { client, local } = await start(t)
  const place = await client.putChunk(NODE, whole(first), never)
  local.learn(NODE, nameOf(second), place!)
  t.notOk((await readOf(local, second)).equals(second.payload))
  t.equal(local.distrust(NODE, nameOf(second)), true, 'its node may know better')
  t.notOk(local.has(NODE, nameOf(second)))
  t.equal(local.distrust(NODE, nameOf(second)), false)
})

t.test('places do not hold for ever, so that rewritten segments are let go', async (t) => {
  const { client, local, clock } = await start(t)
  local.learn(NODE, nameOf(first), (await client.putChunk(NODE, whole(first), never))!)
  for (let n = 0; n < 29; n++) clock.advance(10_000)
  t.ok(local.has(NODE, nameOf(first)))
  clock.advance(10_000)
  t.notOk(local.has(NODE, nameOf(first)))
})

t.test('tiny chunks need no place: having them sent costs no more', async (t) => {
  const { local } = await start(t)
  const tiny = { ...nameOf(first), payloadBytes: 32 * 1024 - 1 }
  t.notOk(local.needsPlace(NODE, tiny))
  local.learn(NODE, tiny, { segment: 1, offset: 64 })
  t.notOk(local.has(NODE, tiny))
})
