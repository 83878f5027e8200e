import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { systemClock } from '../../src/base/system.ts'
import { makeDice } from '../storage-node/disk/crash-fs.ts'
import {
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

const KIB = 1024

/** What becomes of a call that may be given up at any time. */
async function outcomeOf(call: Promise<unknown>): Promise<'done' | 'aborted'> {
  try {
    await call
    return 'done'
  } catch (error) {
    if ((error as { failure?: string }).failure === 'aborted') return 'aborted'
    throw error
  }
}

t.test(
  'hundreds of calls at once, many given up half-way, on a disk of any speed: what is done is exact',
  async (t) => {
    const dice = makeDice(20)
    const disk = new MemoryDisk('server-1')
    const dawdle = async () => {
      if (dice(4) === 0) await systemClock.sleep(dice(8))
    }
    disk.hooks = { put: dawdle, sinkWrite: dawdle, commit: dawdle, read: dawdle }
    const socketPath = `/tmp/sextant-${randomUUID()}.sock`
    await using node = await startTestNode({ disk, settings: { socketPath } })
    const view = new HandView()
    view.setNode(node)
    await using client = testClient(view, { callMs: 30_000, idleMs: 30_000 })
    const signalOf = () => {
      const stop = new AbortController()
      if (dice(3) === 0) setTimeout(() => stop.abort(new Error('enough')), dice(25))
      return stop.signal
    }

    async function large(): Promise<void> {
      const header = testHeader()
      const signal = signalOf()
      const pieces = Array.from({ length: 1 + dice(30) }, () => randomBytes(1 + dice(90 * KIB)))
      const payload = Buffer.concat(pieces)
      const write = async () => {
        const writer = client.openChunk(NODE, header, signal)
        for (const piece of pieces) {
          await writer.write([piece.subarray(0, 3), piece.subarray(3)])
          // The caller's memory is its own again.
          piece.fill(0)
        }
        await writer.finish(testTrailer(payload))
      }
      if ((await outcomeOf(write())) === 'aborted') return
      const offset = dice(payload.length)
      const length = dice(payload.length - offset) + 1
      const read = async () => {
        const got: Buffer[] = []
        for await (const piece of client.streamPayload(NODE, { ...header, offset, length }, signalOf())) {
          got.push(piece)
          if (dice(10) === 0) await systemClock.sleep(1)
        }
        t.ok(Buffer.concat(got).equals(payload.subarray(offset, offset + length)))
      }
      await outcomeOf(read())
    }

    async function small(): Promise<void> {
      const payload = randomBytes(dice(40 * KIB))
      const chunk = { ...smallChunk(payload), pieces: [payload.subarray(0, 9), payload.subarray(9)] }
      if ((await outcomeOf(client.putChunk(NODE, chunk, signalOf()))) === 'aborted') return
      const got = client.getPayload(NODE, { ...chunk.header, offset: 0, length: payload.length }, signalOf())
      if ((await outcomeOf(got)) === 'done') t.ok((await got).equals(payload))
    }

    const kinds = [large, small, small]
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        for (let n = 0; n < 8; n++) await kinds[dice(kinds.length)]!()
      }),
    )
    disk.hooks = {}
    await client.putChunk(NODE, smallChunk(randomBytes(5)), never)
    // The node may still be letting go of the last ones: it hears of them when its disk has answered.
    await until(() => disk.openSinks === 0)
    t.ok(client.isReachable(NODE))
  },
)

t.test('a peer that sends rubbish, or a conversation with bytes changed, harms only itself', async (t) => {
  const disk = new MemoryDisk('server-1')
  await using node = await startTestNode({ disk })
  const [host, port] = node.grpcAddress.split(':')
  // A conversation as our own client has it, taken down by a server that says nothing.
  const spoken = await recorded()
  t.ok(spoken.length > 200)
  const dice = makeDice(7)
  for (let round = 0; round < 300; round++) {
    const bytes = Buffer.from(round % 10 === 0 ? randomBytes(500) : spoken)
    for (let change = 0; change <= dice(4); change++) bytes[dice(bytes.length)] = dice(256)
    const socket = connect(Number(port), host)
    socket.on('error', () => {})
    socket.write(bytes.subarray(0, 1 + dice(bytes.length)))
    socket.resume()
    if (round % 5 === 0) await systemClock.sleep(1)
    socket.end()
  }
  const view = new HandView()
  view.setNode(node)
  await using client = testClient(view, { connectMs: 20_000, callMs: 20_000 })
  const chunk = smallChunk(randomBytes(100))
  await client.putChunk(NODE, chunk, never)
  t.ok((await client.getPayload(NODE, { ...chunk.header, offset: 0, length: 100 }, never)).equals(chunk.pieces[0]!))
})

async function recorded(): Promise<Buffer> {
  const { createServer } = await import('node:net')
  const said: Buffer[] = []
  // Empty SETTINGS, so that the client goes on.
  const listener = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (bytes) => said.push(bytes))
    socket.write(Buffer.from('000000040000000000', 'hex'))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const view = new HandView()
  view.set({ id: 'server-1' as never, grpcAddress: `127.0.0.1:${(listener.address() as { port: number }).port}` })
  await using client = testClient(view, { connectMs: 300 })
  await client.putChunk(NODE, smallChunk(randomBytes(300)), never).catch(() => {})
  listener.close()
  return Buffer.concat(said)
}
