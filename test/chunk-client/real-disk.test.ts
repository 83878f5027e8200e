import { join } from 'node:path'
import t, { type Test } from 'tap'
import { partIdFromBytes } from '../../src/base/ids.ts'
import type { SmallChunk } from '../../src/engine/ports/chunk-store.ts'
import { makeChunk, openTestDisk, temporaryDirectory } from '../storage-node/disk/chunks.ts'
import { failureOf, HandView, NODE, never, startTestNode, testClient, testHeader } from '../support/chunk-cluster.ts'

/** A whole chunk as the engine hands it over, valid block by block. */
function chunk(seed: number, dataBytes: number): SmallChunk & { payload: Buffer } {
  const made = makeChunk({ seed, dataBytes, blockBytes: 131_072 })
  const name = { partId: partIdFromBytes(made.id), index: made.id[16]! }
  const { label } = testHeader()
  const seal = { etag: 'etag', checksumAlgorithm: '', checksum: '', plainBytes: 0 }
  const chunkHash = Buffer.from(made.trailer.chunkHash)
  return {
    payload: made.payload,
    header: { ...name, dataChunks: 6, parityChunks: 2, blockBytes: 131_072, label },
    pieces: [made.payload.subarray(0, 100), made.payload.subarray(100)],
    trailer: { partBytes: made.trailer.partBytes, chunkHash, seal },
  }
}

async function start(t: Test, directory: string) {
  const disk = await openTestDisk({ directory })
  const node = await startTestNode({ disk, settings: { socketPath: join(directory, 'node.sock') } })
  const view = new HandView()
  view.setNode(node)
  const client = testClient(view, { callMs: 5000, idleMs: 5000 })
  let isStopped = false
  const stop = async () => {
    if (isStopped) return
    isStopped = true
    await client[Symbol.asyncDispose]()
    await node[Symbol.asyncDispose]()
    await disk[Symbol.asyncDispose]()
  }
  t.teardown(stop)
  return { client, node, stop }
}

t.test('small and large chunks on a real disk are kept, also over a restart', async (t) => {
  const directory = await temporaryDirectory(t)
  const small = Array.from({ length: 200 }, (_, seed) => chunk(seed, 1 + seed * 37))
  const large = [chunk(1000, 3_000_000), chunk(1001, 131_072 * 10)]
  const first = await start(t, directory)
  await Promise.all(small.map((each) => first.client.putChunk(NODE, each, never)))
  for (const each of large) {
    const writer = first.client.openChunk(NODE, each.header, never)
    for (let at = 0; at < each.payload.length; at += 131_076)
      await writer.write([each.payload.subarray(at, at + 131_076)])
    await writer.finish(each.trailer)
  }
  await first.stop()

  const { client } = await start(t, directory)
  await Promise.all(
    small.map(async (each) => {
      const payload = await client.getPayload(NODE, { ...each.header, offset: 0, length: each.payload.length }, never)
      if (!payload.equals(each.payload)) t.fail(`chunk of ${each.payload.length} bytes`)
    }),
  )
  for (const each of large) {
    const pieces: Buffer[] = []
    const range = { ...each.header, offset: 131_076, length: each.payload.length - 131_076 }
    for await (const piece of client.streamPayload(NODE, range, never)) pieces.push(piece)
    t.ok(Buffer.concat(pieces).equals(each.payload.subarray(131_076)))
  }
})

t.test('a real disk refuses what does not match its checksums, by both ways in, and keeps nothing of it', async (t) => {
  const { client } = await start(t, await temporaryDirectory(t))
  const rotten = chunk(1, 300_000)
  rotten.payload[200_000]! ^= 1
  t.equal(await failureOf(client.putChunk(NODE, rotten, never)), 'corrupt')
  const writer = client.openChunk(NODE, rotten.header, never)
  const written = writer.write([rotten.payload]).then(() => writer.finish(rotten.trailer))
  t.equal(await failureOf(written), 'corrupt')
  for await (const found of client.listChunks(NODE, {}, never)) t.same(found, [])
  t.equal(await failureOf(client.getPayload(NODE, { ...rotten.header, offset: 0, length: 1 }, never)), 'not-found')
})

t.test('chunks are verified and described where they lie', async (t) => {
  const { client } = await start(t, await temporaryDirectory(t))
  const good = chunk(1, 5000)
  const lost = chunk(2, 5000)
  await client.putChunk(NODE, good, never)
  const verdicts = []
  for await (const verdict of client.verifyChunks(NODE, [good.header, lost.header], never)) verdicts.push(verdict)
  t.match(verdicts, [
    { partId: good.header.partId, index: good.header.index, chunkHash: good.trailer.chunkHash },
    { partId: lost.header.partId, failure: { failure: 'not-found' } },
  ])
  t.same(await client.describeChunk(NODE, good.header, never), { header: good.header, trailer: good.trailer })
  t.equal(await failureOf(client.describeChunk(NODE, lost.header, never)), 'not-found')
})
