import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { HandView, NODE, never, smallChunk, testClient, testHeader, testTrailer } from '../support/chunk-cluster.ts'
import { forkNode } from '../support/chunk-node-process.ts'

const MIB = 1024 * 1024

t.test(
  'payload both ways at once, large and small: neither way waits for the other',
  { timeout: 60_000 },
  async (t) => {
    // In a process of its own, over the socket that it uses in earnest: that is where it once stood still.
    const socketPath = `/tmp/sextant-${randomUUID()}.sock`
    await using node = await forkNode(randomUUID(), socketPath)
    const view = new HandView()
    view.set({ id: node.serverId, grpcAddress: node.grpcAddress, socketPath })
    await using client = testClient(view, { callMs: 25_000, idleMs: 25_000, keepaliveMs: 60_000 })
    const block = randomBytes(256 * 1024)
    const put = async (blocks: number) => {
      const header = testHeader()
      const writer = client.openChunk(NODE, header, never)
      for (let n = 0; n < blocks; n++) await writer.write([block])
      await writer.finish(testTrailer(Buffer.alloc(0)))
      return { partId: header.partId, index: header.index, offset: 0, length: blocks * block.length }
    }
    const get = async (range: Awaited<ReturnType<typeof put>>) => {
      let bytes = 0
      for await (const piece of client.streamPayload(NODE, range, never)) bytes += piece.length
      return bytes
    }
    const stored = await Promise.all(Array.from({ length: 8 }, () => put(24)))
    const small = Array.from({ length: 60 }, () => smallChunk(block))
    for (const chunk of small) await client.putChunk(NODE, chunk, never)
    const outcomes = await Promise.all([
      ...stored.map((range) => get(range)),
      ...stored.map(async () => (await put(24)).length),
      ...small.map(async ({ header: { partId, index } }) => {
        const range = { partId, index, offset: 0, length: block.length }
        return (await client.getPayload(NODE, range, never)).length * 24
      }),
      ...small.map(async () => {
        await client.putChunk(NODE, smallChunk(block), never)
        return 6 * MIB
      }),
    ])
    t.same(new Set(outcomes), new Set([6 * MIB]))
  },
)
