import { abortable } from '../base/abortable.ts'
import type { Clock } from '../base/clock.ts'
import type { StorageServer } from '../engine/ports/cluster.ts'

/** What `/health` tells, on the S3 port and on the admin port. */
export interface HealthReport {
  /**
   * degraded: it serves, but a server is missing. unavailable: it can neither read nor write. stopping: it serves yet, and
   * nothing new is to be sent to it.
   */
  status: 'ok' | 'degraded' | 'unavailable' | 'stopping'
  database: { ok: boolean; latencyMs: number | null }
  nodes: NodeHealth[]
}

export interface NodeHealth {
  number: number
  id: string
  address: string
  zone: string
  status: StorageServer['status']
  /** By what the last calls to it did. */
  isReachable: boolean
  /** No heartbeat for longer than three intervals. */
  isStale: boolean
  lastHeartbeatAt: string
  capacityBytes: number
  availableBytes: number
}

export interface HealthDeps {
  /** Asks the database; rejects when it is away. */
  ping(signal: AbortSignal): Promise<unknown>
  servers(): Iterable<StorageServer>
  isReachable(server: StorageServer): boolean
  /** Whether this gateway was told to stop. */
  isStopping(): boolean
  clock: Clock
}

export interface Health {
  /** Never rejects. Many askers at once cost one ping, and an answer is used again for 250 ms. */
  report(): Promise<HealthReport>
}

const PING_MS_MAX = 2000
/** Anybody may ask, so asking must be cheap. */
const REUSE_MS = 250

export function createHealth(deps: HealthDeps): Health {
  let last: { atMs: number; report: Promise<HealthReport> } | undefined
  return {
    async report() {
      const nowMs = deps.clock.nowMs()
      if (!last || nowMs - last.atMs > REUSE_MS) last = { atMs: nowMs, report: makeReport(deps) }
      const report = await last.report
      return deps.isStopping() ? { ...report, status: 'stopping' } : report
    },
  }
}

/** Whether requests are to be sent to this gateway: what balancers ask. */
export function isReady({ status }: HealthReport): boolean {
  return status === 'ok' || status === 'degraded'
}

async function makeReport(deps: HealthDeps): Promise<HealthReport> {
  const database = await askDatabase(deps)
  const nodes = Array.from(deps.servers(), (server) => toNodeHealth(server, deps.isReachable(server)))
    .filter(({ status }) => status !== 'removed')
    .sort((a, b) => a.number - b.number)
  return { status: judge(database.ok, nodes), database, nodes }
}

async function askDatabase({ ping, clock }: HealthDeps): Promise<HealthReport['database']> {
  const startedMs = clock.nowMs()
  const abort = new AbortController()
  using _timer = clock.after(PING_MS_MAX, () => abort.abort(new Error('the database does not answer')))
  try {
    await abortable(ping(abort.signal), abort.signal)
    return { ok: true, latencyMs: clock.nowMs() - startedMs }
  } catch {
    return { ok: false, latencyMs: null }
  }
}

function toNodeHealth(server: StorageServer, isReachable: boolean): NodeHealth {
  const { number, id, grpcAddress, zone, status, isStale, lastHeartbeatAt, capacityBytes, availableBytes } = server
  return {
    number,
    id,
    address: grpcAddress,
    zone,
    status,
    isReachable,
    isStale,
    lastHeartbeatAt: lastHeartbeatAt.toISOString(),
    capacityBytes,
    availableBytes,
  }
}

function judge(databaseIsOk: boolean, nodes: readonly NodeHealth[]): HealthReport['status'] {
  const serving = nodes.filter(isServing)
  if (!databaseIsOk || serving.length === 0) return 'unavailable'
  return serving.length === nodes.length ? 'ok' : 'degraded'
}

export function isServing({ isReachable, isStale, status }: NodeHealth): boolean {
  return isReachable && !isStale && status !== 'failed'
}
