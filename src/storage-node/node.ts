import type { Clock } from '../base/clock.ts'
import type { ServerId, ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { CallTracer } from '../base/spans.ts'
import { batches } from './batch.ts'
import type { NodeContext } from './context.ts'
import { gatekeeperOf } from './credentials.ts'
import { nodeHealth } from './health.ts'
import { listen } from './listen.ts'
import { MessageBuffers } from './message-buffers.ts'
import { nodeMethods } from './methods.ts'
import type { ChunkDisk, Registry } from './ports.ts'
import { keepRegistered } from './registration.ts'
import { createRpcServer, type RpcServer } from './rpc/server.ts'
import { type StorageNodeSettings, type StorageNodeTuning, storageNodeDefaults } from './settings.ts'

export interface StorageNodeDeps {
  /** Stays open when the node stops; who opened it closes it. */
  disk: ChunkDisk
  registry: Registry
  clock: Clock
  log: Log
  settings: StorageNodeSettings
  /** The server's points on the ring (src/placement). */
  points: (id: ServerId) => readonly bigint[]
  /** Absent: there are no traces. */
  tracer?: CallTracer | undefined
}

/** A node that serves. Disposing it finishes what is under way, for at most `drainMs`. */
export interface StorageNode extends AsyncDisposable {
  readonly serverId: ServerId
  /** `host:port` as registered. */
  readonly grpcAddress: string
  /** '' when there is none. */
  readonly socketPath: string
  /** undefined until the registry has answered for the first time. */
  readonly number: ServerNumber | undefined
  /** Resolves with the number; rejects when the node stops before. */
  readonly registered: Promise<ServerNumber>
}

/**
 * Serves the chunks of `disk` over gRPC and keeps itself registered. Resolves when it serves, whether or not the registry
 * answers. Rejects when it cannot listen, or the disk does not say whose it is.
 */
export async function startStorageNode(deps: StorageNodeDeps): Promise<StorageNode> {
  const { disk, registry, clock, log, settings } = deps
  const tuning = { ...storageNodeDefaults, ...settings }
  const { serverId } = await disk.stat()
  const refuse = gatekeeperOf(settings.credentials, serverId)
  const context: NodeContext = {
    disk,
    buffers: new MessageBuffers(),
    clock,
    log,
    tuning,
    version: settings.version ?? '',
    tracer: deps.tracer,
  }
  const small = batches(context)
  const health = nodeHealth()
  const methods = nodeMethods(context, { batches: small, health })
  const tls = 'identity' in settings.credentials ? settings.credentials.identity : undefined
  const server = createRpcServer({ clock, log, settings: connectionSettings(tuning), methods, refuse, tls })
  const bound = await listen({ server, log }, settings)
  const { dataDirectory, zone } = settings
  const identity = { id: serverId, ...bound, dataDirectory, zone, points: deps.points(serverId) }
  const registration = keepRegistered({ disk, registry, clock, log, tuning }, identity)
  log.info({ serverId, ...bound }, 'storage node serves')
  let stopped: Promise<void> | undefined
  const stop = async () => {
    health.stop()
    await registration[Symbol.asyncDispose]()
    await shutDown({ server, clock, drainMs: tuning.drainMs, drain: () => small.drain() })
  }
  return {
    serverId,
    ...bound,
    get number() {
      return registration.number
    },
    registered: registration.registered,
    [Symbol.asyncDispose]: () => (stopped ??= stop()),
  }
}

function connectionSettings(tuning: StorageNodeTuning) {
  const { streamsMax, streamWindowBytes, connectionWindowBytes, frameBytesMax } = tuning
  const { headerListBytesMax, keepaliveMs, keepaliveTimeoutMs } = tuning
  return {
    streamsMax,
    streamWindowBytes,
    connectionWindowBytes,
    frameBytesMax,
    headerListBytesMax,
    keepaliveMs,
    keepaliveTimeoutMs,
  }
}

interface ShutDown {
  server: RpcServer
  clock: Clock
  drainMs: number
  drain: () => void
}

/** No new calls; those under way have `drainMs`. */
async function shutDown({ server, clock, drainMs, drain }: ShutDown): Promise<void> {
  using _timer = clock.after(drainMs, () => server.destroyAll())
  const isDown = server.shutDown()
  drain()
  await isDown
}
