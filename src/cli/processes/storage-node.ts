import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { abortable } from '../../base/abortable.ts'
import { ChunkError } from '../../base/faults.ts'
import { connectMeta } from '../../meta/connect.ts'
import { StatementCounter } from '../../metrics/database-metrics.ts'
import { DiskCounter } from '../../metrics/disk-metrics.ts'
import { loadRingHash, virtualNodePoints } from '../../placement/ring-hash.ts'
import { openChunkDisk } from '../../storage-node/disk/open.ts'
import { startStorageNode } from '../../storage-node/node.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import { readVersion } from '../version.ts'
import { checkSchema } from './check-schema.ts'
import { checkNodeHost, openClusterCredentials } from './cluster-credentials.ts'
import type { ProcessDeps } from './deps.ts'
import { startNodeMetrics } from './node-metrics.ts'
import { openTracing } from './open-tracing.ts'
import { required } from './required.ts'
import { type Service, serve } from './serve.ts'

/** One storage node, until it is told to stop; answers the exit code. */
export function runStorageNode(deps: ProcessDeps, { isSupervised }: { isSupervised: boolean }): Promise<number> {
  return serve({ ...deps, isSupervised }, (stop) => startNode(deps, stop))
}

async function startNode(deps: ProcessDeps, stop: AbortSignal): Promise<Service> {
  const { settings, clock, random, log } = deps
  const { databaseUrl: url } = required(settings, ['databaseUrl'])
  // One that is empty, or older, is migrated while nodes wait to be registered.
  await checkSchema(url, ['newer'])
  await using opened = new AsyncDisposableStack()
  const credentials = opened.use(await openClusterCredentials(deps))
  checkNodeHost(credentials, settings)
  await loadRingHash()
  const directory = resolve(settings.dataDirectory)
  await mkdir(dirname(directory), { recursive: true })
  const tracing = opened.use(await openTracing(deps))
  const disk = opened.use(
    await openChunkDisk({ directory, reserveBytes: settings.nodeReserveBytes }, { clock, random, log }).catch(
      (error: unknown) => {
        throw error instanceof ChunkError ? new CommandFailure(messageOf(error), { cause: error }) : error
      },
    ),
  )
  const statements = new StatementCounter()
  const meta = opened.use(
    await connectMeta({ url, clock, random, log, settings: { connectionsMax: 2 }, meter: statements.meter }),
  )
  const counter = new DiskCounter()
  opened.use(await startNodeMetrics({ disk, counter, statements, meta, settings, clock, log }))
  const counted = counter.metered(disk)
  const node = opened.use(
    await startStorageNode({
      disk: tracing ? tracing.disk(counted) : counted,
      registry: meta.registry,
      clock,
      log,
      points: virtualNodePoints,
      tracer: tracing?.calls,
      settings: {
        host: settings.nodeHost,
        port: settings.nodePort,
        socketPath: settings.nodeSocket ?? '',
        advertisedAddress: settings.nodeAddress ?? '',
        dataDirectory: settings.localReads ? directory : '',
        zone: settings.zone ?? '',
        heartbeatMs: settings.heartbeatMs,
        drainMs: settings.drainMs,
        version: readVersion(),
        credentials,
      },
    }),
  )
  await abortable(node.registered, stop)
  const owned = opened.move()
  return {
    drain: async () => await node[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  }
}
