import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings, type Settings } from '../../src/base/config.ts'
import type { ObjectKey, PartId, ServerNumber } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { startUpkeep } from '../../src/cli/processes/upkeep.ts'
import { ChunkCache } from '../../src/engine/chunk-cache.ts'
import { createCompression } from '../../src/engine/compression/compression.ts'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { EngineDeps } from '../../src/engine/deps.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { Hedging } from '../../src/engine/hedging.ts'
import { createLateServers } from '../../src/engine/late-servers.ts'
import { createPlacer } from '../../src/engine/placer.ts'
import { noLocalChunks } from '../../src/engine/ports/local-chunks.ts'
import { ReadMemory } from '../../src/engine/read-memory.ts'
import { Slots } from '../../src/engine/slots.ts'
import { SlowUploadBudget } from '../../src/engine/stripe-filler.ts'
import type { WatchedCluster } from '../../src/meta/connect.ts'
import { CallCounter } from '../../src/metrics/call-metrics.ts'
import { DiskCounter } from '../../src/metrics/disk-metrics.ts'
import { loadRingHash, virtualNodePoints } from '../../src/placement/ring.ts'
import { openChunkDisk } from '../../src/storage-node/disk/open.ts'
import { startStorageNode } from '../../src/storage-node/node.ts'
import { StripePool } from '../../src/striping/stripe-pool.ts'
import type { Tracing } from '../../src/tracing/tracing.ts'
import { startDamageReports } from '../../src/upkeep/damage-reports.ts'
import { attributes, live, type MetaFixture, openMeta } from '../meta/fixture.ts'
import { TOKEN, testClient } from './chunk-cluster.ts'
import { testKeyRing } from './key-ring.ts'

/** Fast enough that a test need not wait, slow enough for a busy machine. */
const HEARTBEAT_MS = 250

export interface NodeUnderTest {
  number: ServerNumber
  directory: string
  stop(): Promise<void>
  /** On the same directory; a directory that was emptied makes another server of it. */
  start(): Promise<void>
}

export interface StoreInProcess extends AsyncDisposable {
  fixture: MetaFixture
  engine: Engine
  engineDeps: EngineDeps
  cluster: WatchedCluster
  nodes: NodeUnderTest[]
  /** One more storage node. */
  addNode(): Promise<NodeUnderTest>
  /** Starts the sweeps and jobs of a gateway, with settings as they stand in the environment. */
  startUpkeep(env?: Record<string, string>): AsyncDisposable
  put(key: string, bytes: Buffer, storageClass?: string): Promise<PartId>
  read(key: string): Promise<Buffer>
  delete(key: string): Promise<void>
}

/** Real PostgreSQL, real nodes on real disks, and the inside of a gateway: a store without processes and without HTTP. */
export async function openStore(nodeCount: number, tracing?: Tracing): Promise<StoreInProcess> {
  await using unlessDone = new AsyncDisposableStack()
  const stack = unlessDone.use(new AsyncDisposableStack())
  await loadRingHash()
  const fixture = stack.use(await openMeta({}, tracing && { meter: tracing.statement, batched: tracing.batched }))
  const root = await mkdtemp(join(tmpdir(), 'sextant-nodes-'))
  stack.defer(() => rm(root, { recursive: true, force: true }))
  const nodes: NodeUnderTest[] = []
  const addNode = async () => {
    const node = nodeOn(fixture, join(root, `node-${nodes.length + 1}`), tracing)
    nodes.push(node)
    await node.start()
    await cluster?.refresh(live)
    return node
  }
  let cluster: WatchedCluster | undefined
  stack.defer(async () => void (await Promise.all(nodes.map((node) => node.stop()))))
  for (let n = 0; n < nodeCount; n++) await addNode()
  const watched = stack.use(await fixture.meta.watchCluster({ refreshMs: 300 }, live))
  cluster = watched
  const times = { connectMs: 15_000, callMs: 15_000, idleMs: 15_000 }
  const client = stack.use(testClient(watched, times, TOKEN, { currentTrace: tracing?.current }))
  const chunks = tracing ? tracing.chunks(new CallCounter().metered(client)) : client
  const settings = settingsOf({})
  const late = createLateServers({ clock: systemClock, restMs: settings.lateRestMs })
  const pool = new StripePool({ bytesMax: settings.stripePoolBytes })
  const engineDeps = {
    catalogue: fixture.meta.catalogue,
    chunks,
    localChunks: noLocalChunks,
    damage: stack.use(startDamageReports({ catalogue: fixture.meta.repairs, clock: systemClock, log: silentLog })),
    placer: stack.use(createPlacer({ cluster: watched, chunks, late })),
    late,
    hedging: new Hedging({ clock: systemClock, late: late.reads, settings: { delayMsMin: 10, share: 0.1 } }),
    pool,
    readMemory: new ReadMemory(pool, systemClock),
    chunkCache: new ChunkCache({ bytesMax: 0 }),
    slowUploads: new SlowUploadBudget(settings.slowUploadBytes),
    sending: new Slots(16),
    streaming: new Slots(16),
    compression: createCompression({ byDefault: 'off', bytesMax: 4 * 1024 * 1024 }),
    keys: testKeyRing(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    settings: {
      session: 7,
      blockBytes: settings.blockBytes,
      parityChunks: { STANDARD: 2, REDUCED_REDUNDANCY: 1 },
      messageChunkBytesMax: settings.messageChunkBytesMax,
      stripesInFlightMax: 3,
      slowStripeMs: settings.slowStripeMs,
      lateChunkMs: settings.lateChunkMs,
      objectBytesMax: settings.objectBytesMax,
    },
  }
  const engine = createEngine(engineDeps)
  unlessDone.move()
  return {
    fixture,
    engine,
    engineDeps,
    cluster: watched,
    nodes,
    addNode,
    startUpkeep: (env = {}) =>
      startUpkeep({ meta: fixture.meta, cluster: watched, engine: engineDeps, settings: settingsOf(env), tracing }),
    put: (key, bytes, storageClass) => put({ fixture, engine }, key, bytes, storageClass),
    read: (key) => read({ fixture, engine }, key),
    async delete(key) {
      await fixture.meta.catalogue.deleteObjects(fixture.bucket.id, [{ key: key as ObjectKey }], live)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function settingsOf(env: Record<string, string>): Settings {
  return readSettings({ env, readFile: () => '' })
}

function nodeOn({ meta }: MetaFixture, directory: string, tracing?: Tracing): NodeUnderTest {
  let running: AsyncDisposableStack | undefined
  return {
    number: 0 as ServerNumber,
    directory,
    async start() {
      running = new AsyncDisposableStack()
      const deps = { clock: systemClock, random: systemRandom, log: silentLog }
      const disk = running.use(await openChunkDisk({ directory, reserveBytes: 0 }, deps))
      const node = running.use(
        await startStorageNode({
          disk: tracing ? tracing.disk(new DiskCounter().metered(disk)) : disk,
          tracer: tracing?.calls,
          registry: meta.registry,
          ...deps,
          points: virtualNodePoints,
          settings: {
            host: '127.0.0.1',
            port: 0,
            socketPath: '',
            advertisedAddress: '',
            dataDirectory: '',
            zone: '',
            credentials: { token: TOKEN },
            drainMs: 100,
            heartbeatMs: HEARTBEAT_MS,
          },
        }),
      )
      this.number = await node.registered
    },
    async stop() {
      const stopping = running
      running = undefined
      await stopping?.disposeAsync()
    },
  }
}

type Parts = Pick<StoreInProcess, 'fixture' | 'engine'>

async function put({ fixture, engine }: Parts, key: string, bytes: Buffer, storageClass = 'STANDARD'): Promise<PartId> {
  const claims = { sizeBytes: bytes.length, md5: undefined, checksum: undefined }
  const input = {
    bucket: fixture.bucket,
    key: key as ObjectKey,
    attributes: { ...attributes, storageClass },
    claims,
    condition: {},
  }
  async function* body() {
    yield bytes
  }
  await engine.putObject(input, body(), live)
  const { object } = await engine.findObject(
    { bucket: fixture.bucket.name, key: key as ObjectKey, versionId: undefined },
    live,
  )
  return object!.parts[0]!.partId!
}

async function read({ fixture, engine }: Parts, key: string): Promise<Buffer> {
  const query = { bucket: fixture.bucket.name, key: key as ObjectKey, versionId: undefined }
  const { bucket, object, layouts } = await engine.findObject(query, live)
  const range = { first: 0, last: object!.sizeBytes - 1 }
  const pieces: Uint8Array[] = []
  for await (const piece of engine.readObject({ bucket, object: object!, layouts }, range, live)) {
    pieces.push(Buffer.from(piece)) // a piece's memory is used again
  }
  return Buffer.concat(pieces)
}

export function someBytes(sizeBytes: number): Buffer {
  return randomBytes(sizeBytes)
}
