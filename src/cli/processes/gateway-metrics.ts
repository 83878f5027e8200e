import type { RequestListener } from 'node:http'
import { type RequestStream, serveRequests } from '../../admin/request-stream.ts'
import type { Clock } from '../../base/clock.ts'
import type { Settings } from '../../base/config.ts'
import type { Log } from '../../base/log.ts'
import type { ClusterView } from '../../engine/ports/cluster.ts'
import type { Meta } from '../../meta/connect.ts'
import { CallCounter } from '../../metrics/call-metrics.ts'
import { StatementCounter } from '../../metrics/database-metrics.ts'
import { collectMemory, DamageCounter, type MemorySource } from '../../metrics/memory-metrics.ts'
import { createMetricsPage } from '../../metrics/page.ts'
import { type Collect, tellFamilies } from '../../metrics/peers.ts'
import { processName, watchProcess } from '../../metrics/process-metrics.ts'
import { RequestCounter } from '../../metrics/request-metrics.ts'
import { readVersion } from '../version.ts'

/** What counts in a gateway. */
export class GatewayCounters {
  readonly requests = new RequestCounter()
  readonly statements = new StatementCounter()
  readonly calls = new CallCounter()
  readonly damage = new DamageCounter()
}

export interface GatewayMetricsParts {
  counters: GatewayCounters
  meta: Meta
  cluster: ClusterView
  memory: MemorySource
  /** Told of at the socket too. */
  requests: RequestStream
  settings: Settings
  clock: Clock
  log: Log
}

/** The metrics of a gateway: told at its socket, if it has one, and for its whole host and store by `page`. */
export interface GatewayMetrics extends AsyncDisposable {
  page(): Promise<string>
}

export async function startGatewayMetrics(parts: GatewayMetricsParts): Promise<GatewayMetrics> {
  const { counters, meta, cluster, memory, requests, settings, clock, log } = parts
  await using opened = new AsyncDisposableStack()
  const process = opened.use(watchProcess({ version: readVersion(), clock }))
  const collect: Collect = async () => [
    ...counters.requests.collect(),
    ...collectMemory(memory),
    ...counters.damage.collect(cluster.servers().keys()),
    ...counters.calls.collect(),
    ...counters.statements.collect(meta.pools(), meta.replicaUse()),
    ...(await process.collect()),
  ]
  if (settings.metricsSocket !== undefined) {
    const others: RequestListener = (asked, answer) => serveRequests(requests, asked, answer)
    opened.use(await tellFamilies(settings.metricsSocket, { collect, log, others }))
  }
  const store = { readServers: meta.reports.readServers, listJobs: meta.jobs.listJobs, clock }
  const name = processName(settings, 'gateway')
  const page = createMetricsPage({ process: name, collect, store, peers: settings.metricsPeers ?? [], clock })
  const owned = opened.move()
  return { page, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
