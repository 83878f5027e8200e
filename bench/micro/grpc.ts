/**
 * What the way between gateway and storage node costs, without disk: CPU seconds per GiB of large chunks, microseconds
 * per small put and get, each side by itself, over TCP and over a Unix socket; and how long a small get takes while large
 * transfers run. `node bench/micro/grpc.ts [GiB]`
 */
import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServerId } from '../../src/base/ids.ts'
import type { ChunkClient } from '../../src/chunk-client/client.ts'
import type { ChunkDisk } from '../../src/storage-node/ports.ts'
import {
  HandView,
  NODE,
  never,
  smallChunk,
  startTestNode,
  testClient,
  testHeader,
  testTrailer,
} from '../../test/support/chunk-cluster.ts'

const MIB = 1024 * 1024
const PIECE = 128 * 1024
const SMALL_BYTES = 700
const SERVER_ID = '00000000-0000-4000-8000-000000000001' as ServerId

interface NodeReport {
  grpcAddress: string
  socketPath: string
  cpuMicros: number
}

if (process.argv[2] === 'node') await runNode(process.argv[3]!)
else await runClient(Number(process.argv[2] ?? 1))

async function runNode(socketPath: string): Promise<void> {
  const node = await startTestNode({ disk: nullDisk(), settings: { socketPath } })
  const report = (): NodeReport => {
    const { user, system } = process.cpuUsage()
    return { grpcAddress: node.grpcAddress, socketPath: node.socketPath, cpuMicros: user + system }
  }
  process.on('message', () => process.send!(report()))
  process.on('disconnect', () => process.exit(0))
  process.send!(report())
}

/** Takes all, keeps nothing, gives bytes that are always the same. */
function nullDisk(): ChunkDisk {
  const bytes = randomBytes(MIB)
  return {
    put: async () => {},
    create: async () => ({ write: async () => {}, commit: async () => {}, [Symbol.asyncDispose]: async () => {} }),
    read: async (_id, _offset, length) => bytes.subarray(0, length),
    locate: () => ({ segment: 0, offset: 0 }),
    delete: async () => 0,
    async *list() {},
    verify: async () => Buffer.alloc(32),
    describe: () => Promise.reject(new Error('nothing is kept')),
    stat: async () => ({
      serverId: SERVER_ID,
      capacityBytes: 1,
      availableBytes: 1,
      chunkCount: 0,
      storedBytes: 0,
      writable: true,
      diskFormat: 1,
      beats: 0,
      moment: Buffer.alloc(0),
    }),
    noteBeats: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

async function runClient(gib: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-bench-'))
  const child = fork(import.meta.filename, ['node', join(directory, 'node.sock')])
  try {
    const [{ grpcAddress, socketPath }] = (await once(child, 'message')) as [NodeReport]
    for (const path of ['', socketPath]) {
      const view = new HandView()
      view.set({ id: SERVER_ID, grpcAddress, socketPath: path })
      await using client = testClient(view, { callMs: 60_000, idleMs: 60_000 })
      await measureAll(client, child, path === '' ? 'TCP' : 'Unix', gib)
    }
  } finally {
    child.disconnect()
    await rm(directory, { recursive: true })
  }
}

async function measureAll(client: ChunkClient, child: ChildProcess, way: string, gib: number): Promise<void> {
  const streams = 4
  const bytes = Math.ceil((gib * 1024) / streams) * streams * MIB
  await upload(client, 64 * MIB)
  await smallPuts(client, 20_000, 64)
  const show = async (what: string, unit: string, per: number, run: () => Promise<void>) => {
    const { client: own, node, wall } = await cost(child, run)
    const figures = [own, node, wall].map((micros) => (micros / per).toFixed(2).padStart(8)).join(' ')
    process.stdout.write(`${way.padEnd(5)} ${what.padEnd(34)} ${figures}  ${unit} (client, node, wall)\n`)
  }
  const all = (run: (bytes: number) => Promise<void>) => async () => {
    await Promise.all(Array.from({ length: streams }, () => run(bytes / streams)))
  }
  await show(
    `up, ${streams} streams`,
    's/GiB',
    gib * 1e6,
    all((share) => upload(client, share)),
  )
  await show(
    `down, ${streams} streams`,
    's/GiB',
    gib * 1e6,
    all((share) => download(client, share)),
  )
  for (const atOnce of [1, 8, 64, 512]) {
    const calls = atOnce === 1 ? 5_000 : 60_000
    await show(`put of ${SMALL_BYTES} B, ${atOnce} at once`, 'µs', calls, () => smallPuts(client, calls, atOnce))
    await show(`get of ${SMALL_BYTES} B, ${atOnce} at once`, 'µs', calls, () => smallGets(client, calls, atOnce))
  }
  const busy = all((share) => upload(client, share))()
  const times = await latencies(client, 200)
  await busy
  process.stdout.write(
    `${way.padEnd(5)} small get beside ${streams} uploads: p50 ${times[100]!.toFixed(2)} ms, p99 ${times[198]!.toFixed(2)} ms\n`,
  )
}

async function cost(child: ChildProcess, run: () => Promise<void>) {
  const node = async () => {
    child.send('report')
    const [report] = (await once(child, 'message')) as [NodeReport]
    return report.cpuMicros
  }
  const nodeBefore = await node()
  const before = process.cpuUsage()
  const start = performance.now()
  await run()
  const wall = (performance.now() - start) * 1000
  const { user, system } = process.cpuUsage(before)
  return { client: user + system, node: (await node()) - nodeBefore, wall }
}

async function upload(client: ChunkClient, bytes: number): Promise<void> {
  const block = randomBytes(PIECE)
  const checksum = randomBytes(4)
  const writer = client.openChunk(NODE, testHeader(), never)
  for (let sent = 0; sent < bytes; sent += PIECE) await writer.write([block, checksum])
  await writer.finish(testTrailer(checksum))
}

async function download(client: ChunkClient, bytes: number): Promise<void> {
  for await (const _ of client.streamPayload(NODE, { ...testHeader(), offset: 0, length: bytes }, never));
}

async function smallPuts(client: ChunkClient, calls: number, atOnce: number): Promise<void> {
  const chunk = smallChunk(randomBytes(SMALL_BYTES))
  await lanes(calls, atOnce, () => client.putChunk(NODE, chunk, never))
}

async function smallGets(client: ChunkClient, calls: number, atOnce: number): Promise<void> {
  const range = { ...testHeader(), offset: 0, length: SMALL_BYTES }
  await lanes(calls, atOnce, () => client.getPayload(NODE, range, never))
}

async function lanes(calls: number, atOnce: number, run: () => Promise<unknown>): Promise<void> {
  const lane = async () => {
    for (let call = 0; call < calls / atOnce; call++) await run()
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}

async function latencies(client: ChunkClient, calls: number): Promise<number[]> {
  const range = { ...testHeader(), offset: 0, length: SMALL_BYTES }
  const times: number[] = []
  for (let call = 0; call < calls; call++) {
    const start = performance.now()
    await client.getPayload(NODE, range, never)
    times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)
}
