import type { Server } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import type { ServerId, ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { HealthService } from '../gen/grpc/health/v1/health.ts'
import { answerMany, answerOnce } from './answer.ts'
import { batch } from './batch.ts'
import { deleteChunks, listChunks, stat, verifyChunks } from './chunk-jobs.ts'
import type { NodeContext } from './context.ts'
import { tokenGatekeeper } from './credentials.ts'
import { getChunk } from './get-chunk.ts'
import { nodeHealth } from './health.ts'
import { listen } from './listen.ts'
import { chunkStoreMethods } from './methods.ts'
import type { ChunkDisk, Registry } from './ports.ts'
import { putChunk } from './put-chunk.ts'
import { keepRegistered } from './registration.ts'
import { type StorageNodeSettings, storageNodeDefaults } from './settings.ts'
import { type Connections, connectionsOf, createGrpcServer } from './transport.ts'

export interface StorageNodeDeps {
  /** Stays open when the node stops; who opened it closes it. */
  disk: ChunkDisk
  registry: Registry
  clock: Clock
  log: Log
  settings: StorageNodeSettings
  /** The server's points on the ring (src/placement). */
  points: (id: ServerId) => readonly bigint[]
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
  const gatekeeper = tokenGatekeeper(settings.clusterToken, serverId)
  const server = createGrpcServer(gatekeeper, tuning)
  const context: NodeContext = { disk, clock, log, tuning }
  const batches = batch(context)
  const health = nodeHealth()
  server.addService(chunkStoreMethods, {
    putChunk: putChunk(context),
    getChunk: answerMany(context, getChunk),
    batch: batches.handle,
    deleteChunks: answerOnce(context, deleteChunks),
    listChunks: answerMany(context, listChunks),
    verifyChunks: answerMany(context, verifyChunks),
    stat: answerOnce(context, stat),
  })
  server.addService(HealthService, health.service)

  const connections = connectionsOf(server, tuning)
  const { credentials } = gatekeeper
  const bound = await listen({ server, credentials, log, onBound: () => connections.follow() }, settings)
  if (!connections.areWide) log.warn({}, 'flow-control windows stay narrow: uploads will be slow')
  const { dataDirectory, zone } = settings
  const identity = { id: serverId, ...bound, dataDirectory, zone, points: deps.points(serverId) }
  const registration = keepRegistered({ disk, registry, clock, log, tuning }, identity)
  log.info({ serverId, ...bound }, 'storage node serves')
  let stopped: Promise<void> | undefined
  const stop = async () => {
    health.stop()
    await registration[Symbol.asyncDispose]()
    await shutDown({ server, connections, clock, drainMs: tuning.drainMs, drain: () => batches.drain() })
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

interface ShutDown {
  server: Server
  connections: Connections
  clock: Clock
  drainMs: number
  drain: () => void
}

/** No new calls; those under way have `drainMs`. */
async function shutDown({ server, connections, clock, drainMs, drain }: ShutDown): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  using _timer = clock.after(drainMs, () => {
    server.forceShutdown()
    connections.destroyAll()
    resolve()
  })
  server.tryShutdown(() => resolve())
  drain()
  await promise
}
