import { startAdminServer } from '../../admin/server.ts'
import { abortable } from '../../base/abortable.ts'
import type { Clock } from '../../base/clock.ts'
import type { Settings } from '../../base/config.ts'
import { deadline } from '../../base/deadline.ts'
import type { Log } from '../../base/log.ts'
import type { Meta } from '../../meta/connect.ts'
import type { StatementCounter } from '../../metrics/database-metrics.ts'
import type { DiskCounter } from '../../metrics/disk-metrics.ts'
import { createMetricsPage } from '../../metrics/page.ts'
import { type Collect, tellFamilies } from '../../metrics/peers.ts'
import { processName, watchProcess } from '../../metrics/process-metrics.ts'
import type { ChunkDisk, DiskStat } from '../../storage-node/ports.ts'
import { readVersion } from '../version.ts'
import { openAdminIdentity } from './identities.ts'

export interface NodeMetricsParts {
  disk: Pick<ChunkDisk, 'stat'>
  counter: DiskCounter
  statements: StatementCounter
  meta: Pick<Meta, 'pools'>
  settings: Settings
  clock: Clock
  log: Log
}

/** A disk that does not say by then how it is counts as one that takes no writes, in ms. */
const STAT_MS_MAX = 1_000

/** Tells the metrics of a storage node at its socket, and on its port, where there are such. */
export async function startNodeMetrics(parts: NodeMetricsParts): Promise<AsyncDisposable> {
  const { disk, counter, statements, meta, settings, clock, log } = parts
  await using opened = new AsyncDisposableStack()
  const process = opened.use(watchProcess({ version: readVersion(), clock }))
  const collect: Collect = async () => [
    ...counter.collect(await statOf(disk, clock)),
    ...statements.collect(meta.pools()),
    ...(await process.collect()),
  ]
  if (settings.metricsSocket !== undefined) opened.use(await tellFamilies(settings.metricsSocket, { collect, log }))
  if (settings.nodeMetricsPort !== undefined) {
    const name = processName(settings, 'storage-node')
    const metrics = createMetricsPage({ process: name, collect, peers: [], clock })
    const { nodeHost: host, nodeMetricsPort: port } = settings
    const tls = opened.use(openAdminIdentity(parts))
    opened.use(await startAdminServer({ metrics, log, settings: { host, port, tls } }))
  }
  return opened.move()
}

async function statOf(disk: Pick<ChunkDisk, 'stat'>, clock: Clock): Promise<DiskStat | undefined> {
  using late = deadline(clock, STAT_MS_MAX)
  return await abortable(disk.stat(), late.signal).catch(() => undefined)
}
