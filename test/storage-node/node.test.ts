import { randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import type { ServerNumber } from '../../src/base/ids.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { startStorageNode } from '../../src/storage-node/node.ts'
import type { Registry, ServerHeartbeat, ServerRegistration } from '../../src/storage-node/ports.ts'
import { HealthCheckResponse_ServingStatus as Serving } from '../gen/grpc/health/v1/health.ts'
import { type NodeOptions, startTestNode, TOKEN } from '../support/chunk-cluster.ts'
import { answer, bearer, healthClient, protocolClient } from '../support/chunk-protocol.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { until } from '../support/until.ts'

async function start(t: Pick<Test, 'teardown'>, options: NodeOptions = {}) {
  const node = await startTestNode(options)
  t.teardown(() => node[Symbol.asyncDispose]())
  return node
}

async function directory(t: Pick<Test, 'teardown'>): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sextant-node-'))
  t.teardown(() => rm(path, { recursive: true, force: true }))
  return path
}

function memoryLog(): Log & { lines: string[] } {
  const lines: string[] = []
  const note = (_fields: object, message: string) => {
    lines.push(message)
  }
  return { ...silentLog, lines, info: note, warn: note, error: note }
}

/** A registry that can be away, or not answer at all. */
class TestRegistry implements Registry {
  registrations: ServerRegistration[] = []
  heartbeats: ServerHeartbeat[] = []
  state: 'here' | 'away' | 'silent' = 'here'

  async register(server: ServerRegistration): Promise<ServerNumber> {
    await this.#answer()
    this.registrations.push(server)
    return 5 as ServerNumber
  }

  async heartbeat(beat: ServerHeartbeat): Promise<number> {
    await this.#answer()
    return this.heartbeats.push(beat)
  }

  async #answer(): Promise<void> {
    if (this.state === 'away') throw new Error('the database is away')
    if (this.state === 'silent') await new Promise(() => {})
  }
}

t.test('health: answers without a token, watchers hear of the stop', async (t) => {
  const node = await start(t)
  const client = healthClient(node.grpcAddress)
  t.teardown(() => client.close())
  for (const service of ['', 'sextant.chunk.v1.ChunkStore']) {
    t.same(await answer((done) => client.check({ service }, done)), { status: Serving.SERVING })
  }
  await t.rejects(
    answer((done) => client.check({ service: 'other' }, done)),
    { code: status.NOT_FOUND },
  )
  const heard: number[] = []
  const watch = client.watch({ service: '' })
  watch.on('data', (message: { status: number }) => heard.push(message.status))
  watch.on('error', () => {})
  await until(() => heard.length === 1)
  await node[Symbol.asyncDispose]()
  await until(() => heard.length === 2)
  t.same(heard, [Serving.SERVING, Serving.NOT_SERVING])
})

t.test('registration: address, socket, zone and points; then heartbeats with what the disk says', async (t) => {
  const registry = new TestRegistry()
  const socketPath = join(await directory(t), 'node.sock')
  const node = await start(t, { registry, settings: { heartbeatMs: 20, zone: 'rack-1', socketPath } })
  t.equal(await node.registered, 5)
  t.equal(node.number, 5)
  t.match(node.grpcAddress, /^127\.0\.0\.1:[1-9]\d*$/)
  t.match(registry.registrations, [
    { id: node.serverId, grpcAddress: node.grpcAddress, socketPath, zone: 'rack-1', points: [] },
  ])
  await until(() => registry.heartbeats.length >= 3)
  t.equal(registry.registrations.length, 1)
  t.match(registry.heartbeats[0], { id: node.serverId, capacityBytes: 1_000_000_000, chunkCount: 0, writable: true })
  t.same(
    registry.heartbeats.slice(0, 3).map(({ beatsSeen }) => beatsSeen),
    [0, 1, 2],
    'each tells what the one before was answered',
  )
  await node[Symbol.asyncDispose]()
  const { length } = registry.heartbeats
  await systemClock.sleep(60)
  t.equal(registry.heartbeats.length, length, 'a node that stopped is silent')
})

t.test(
  'registration: a registry that is away keeps nobody from being served, and is told all when it is back',
  async (t) => {
    const registry = new TestRegistry()
    registry.state = 'away'
    const log = memoryLog()
    const settings = { heartbeatMs: 40, registryRetryMs: 5, registryCallMs: 30 }
    const node = await start(t, { registry, log, settings })
    const client = protocolClient(node.grpcAddress)
    t.teardown(() => client.close())
    t.ok(await answer((done) => client.stat({}, bearer(), done)))
    t.equal(node.number, undefined)
    await systemClock.sleep(100)
    registry.state = 'here'
    t.equal(await node.registered, 5)
    await until(() => registry.heartbeats.length >= 2)
    registry.state = 'silent'
    await systemClock.sleep(150)
    registry.state = 'here'
    await until(() => registry.registrations.length >= 2)
    const { length } = registry.heartbeats
    await until(() => registry.heartbeats.length > length + 1)
    const told = log.lines.filter((line) => /registry|registered/.test(line))
    const away = 'the registry does not answer; the node goes on serving'
    t.same(told, [away, 'registered', away, 'registered'], 'the log hears of changes only')
  },
)

t.test('registration: a disk that does not answer takes the node out of placement', async (t) => {
  const registry = new TestRegistry()
  const disk = new MemoryDisk('server-1')
  const node = await start(t, { registry, disk, settings: { heartbeatMs: 10 } })
  await node.registered
  disk.hooks.stat = async () => {
    throw new Error('EIO')
  }
  await until(() => registry.heartbeats.at(-1)?.writable === false)
  delete disk.hooks.stat
  await until(() => registry.heartbeats.at(-1)?.writable === true)
})

t.test('advertised address: with or without a port, and for all interfaces', async (t) => {
  const address = async (settings: NodeOptions['settings']) => (await start(t, { settings: settings! })).grpcAddress
  t.equal(await address({ advertisedAddress: 'storage-1:7000' }), 'storage-1:7000')
  t.match(await address({ advertisedAddress: 'storage-1' }), /^storage-1:\d+$/)
  t.match(await address({ advertisedAddress: '[fd00::1]' }), /^\[fd00::1\]:\d+$/)
  t.notMatch(await address({ host: '0.0.0.0' }), /^0\.0\.0\.0/)
})

t.test('starting: an address that is taken, or no token, is refused', async (t) => {
  const node = await start(t)
  const port = Number(node.grpcAddress.split(':').at(-1))
  await t.rejects(startTestNode({ settings: { port } }), /cannot listen on 127\.0\.0\.1/)
  await t.rejects(startTestNode({ settings: { credentials: { token: '' } } }), /token/)
})

t.test('Unix socket: one that a killed node left is replaced', async (t) => {
  const path = join(await directory(t), 'node.sock')
  // A socket file that nobody listens on: bound, and kept from being unlinked.
  const { spawnSync } = await import('node:child_process')
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  t.ok(existsSync(path))
  const node = await start(t, { settings: { socketPath: path } })
  t.equal(node.socketPath, path)
  const client = protocolClient(`unix:${path}`)
  t.teardown(() => client.close())
  t.ok(await answer((done) => client.stat({}, bearer(), done)))
  await node[Symbol.asyncDispose]()
  t.notOk(existsSync(path))
})

t.test('Unix socket: where there can be none, the node warns, and serves over TCP', async (t) => {
  const folder = await directory(t)
  const file = join(folder, 'a-file')
  writeFileSync(file, 'precious')
  const taken = join(folder, 'taken.sock')
  const other = createServer().listen(taken)
  t.teardown(() => other.close())
  for (const socketPath of [file, taken, join(folder, 'x'.repeat(108)), join(folder, 'no', 'such', 'folder')]) {
    const log = memoryLog()
    const node = await start(t, { log, settings: { socketPath } })
    t.equal(node.socketPath, '')
    t.match(log.lines, ['no Unix socket: gateways on this host will use TCP'])
  }
  t.ok(existsSync(file))
  t.ok(existsSync(taken))
})

t.test('stopping: calls under way are finished, new ones are not taken', async (t) => {
  const disk = new MemoryDisk('server-1')
  const node = await start(t, { disk, settings: { drainMs: 5000 } })
  const client = protocolClient(node.grpcAddress)
  t.teardown(() => client.close())
  const gate = Promise.withResolvers<void>()
  let held = 0
  const hold = async () => {
    held += 1
    await gate.promise
  }
  disk.hooks = { put: hold, stat: hold }
  const stat = answer((done) => client.stat({}, bearer(), done))
  const batch = client.batch(bearer())
  const replies: { callId: number }[] = []
  batch.on('data', (message: { replies: { callId: number }[] }) => replies.push(...message.replies))
  const ended = new Promise<{ code?: number; details?: string }>((resolve) => batch.once('error', resolve))
  const header = { chunkId: randomBytes(17), dataChunks: 6, parityChunks: 2, blockBytes: 1, label: Buffer.alloc(0) }
  const trailer = { partBytes: 0, chunkHash: Buffer.alloc(32), seal: Buffer.alloc(0) }
  batch.write({ calls: [{ callId: 9, call: { $case: 'put', value: { header, trailer, payload: Buffer.alloc(0) } } }] })
  await until(() => held === 2)
  const stopped = node[Symbol.asyncDispose]()
  await systemClock.sleep(20)
  gate.resolve()
  t.ok(await stat)
  t.match(await ended, { code: status.UNAVAILABLE, details: 'the node is stopping' })
  t.match(replies, [{ callId: 9, status: 0 }])
  await stopped
  const late = protocolClient(node.grpcAddress)
  t.teardown(() => late.close())
  await t.rejects(
    answer((done) => late.stat({}, bearer(), done)),
    { code: status.UNAVAILABLE },
  )
})

t.test('stopping: what takes longer than drainMs is cut off', async (t) => {
  const disk = new MemoryDisk('server-1')
  const node = await start(t, { disk, settings: { drainMs: 50 } })
  const client = protocolClient(node.grpcAddress)
  t.teardown(() => client.close())
  const gate = Promise.withResolvers<void>()
  let held = 0
  disk.hooks.stat = async () => {
    held += 1
    await gate.promise
  }
  const stat = answer((done) => client.stat({}, bearer(), done))
  stat.catch(() => {})
  await until(() => held === 1)
  const before = performance.now()
  const stopped = node[Symbol.asyncDispose]()
  await t.rejects(stat, { code: status.UNAVAILABLE })
  await stopped
  t.ok(performance.now() - before < 20_000, 'not the 30 s of a drain')
  gate.resolve()
})

t.test('putChunk: a caller that falls silent is given up', async (t) => {
  const disk = new MemoryDisk('server-1')
  const node = await startStorageNode({
    disk,
    registry: new TestRegistry(),
    clock: systemClock,
    log: silentLog,
    points: () => [1n],
    settings: {
      host: '127.0.0.1',
      port: 0,
      socketPath: '',
      dataDirectory: '',
      advertisedAddress: '',
      zone: '',
      credentials: { token: TOKEN },
      putIdleMs: 50,
    },
  })
  t.teardown(() => node[Symbol.asyncDispose]())
  const client = protocolClient(node.grpcAddress)
  t.teardown(() => client.close())
  const put = answer((done) => {
    const call = client.putChunk(bearer(), done)
    call.on('error', () => {})
    const value = { chunkId: randomBytes(17), dataChunks: 6, parityChunks: 2, blockBytes: 1, label: Buffer.alloc(0) }
    call.write({ frame: { $case: 'header', value } })
  })
  await t.rejects(put, { code: status.CANCELLED })
  await until(() => disk.openSinks === 0)
})
