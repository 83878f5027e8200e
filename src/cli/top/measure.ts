import type { Sample } from './samples.ts'

/** What one admin port said at a moment. */
export interface Look {
  atMs: number
  samples: readonly Sample[]
}

export interface Load {
  requestsPerSecond: number
  /** Refused ones too: 4xx and 5xx. */
  errorsPerSecond: number
  /** Null: there was no request in the time. */
  p50Ms: number | null
  p99Ms: number | null
  receivedPerSecond: number
  sentPerSecond: number
  /** Under way now. */
  active: number
}

export interface GatewayLoad extends Load {
  gateway: string
  operations: (Load & { operation: string })[]
}

export interface ServerState {
  server: number
  status: string
  availableBytes: number
  capacityBytes: number
  chunks: number
  heartbeatSecondsAgo: number
}

export interface StoreState {
  /** How many more servers may be lost; null: not known. */
  faultTolerance: number | null
  partsAtRisk: number
  partsWithoutSpare: number
  partsUnreadable: number
  repairBytes: number
  partsToMove: number
  doomedParts: number
  strayChunks: number
  servers: ServerState[]
  /** I/O errors since the process began, of nodes that tell their metrics here. */
  diskErrors: Record<string, number>
  /** Processes that do not tell their metrics. */
  silent: string[]
}

/** What went on between two looks at one admin port, by gateway process. */
export function measureGateways(before: Look, after: Look): GatewayLoad[] {
  const seconds = Math.max(0.001, (after.atMs - before.atMs) / 1000)
  const change = changeOf(before, after)
  const names = new Set(of(after.samples, 'sextant_uploads_active').map(({ labels }) => labels.process ?? ''))
  return [...names].sort().map((gateway) => {
    const mine = change.filter(({ labels }) => labels.process === gateway)
    const operations = new Set(mine.flatMap(({ labels }) => labels.operation ?? []))
    // Health is what balancers ask.
    operations.delete('Health')
    const served = mine.filter(({ labels }) => labels.operation !== 'Health')
    const loads = [...operations]
      .map((operation) => ({
        operation,
        ...loadOf(
          mine.filter((s) => s.labels.operation === operation),
          seconds,
        ),
      }))
      .filter(({ requestsPerSecond, active }) => requestsPerSecond > 0 || active > 0)
      .sort((a, b) => b.requestsPerSecond - a.requestsPerSecond || b.active - a.active)
    return { gateway, ...loadOf(served, seconds), operations: loads }
  })
}

/** As the last report has it, and the servers' rows. */
export function readStore({ samples }: Pick<Look, 'samples'>): StoreState {
  const only = (name: string) => of(samples, name)[0]?.value ?? 0
  const tolerance = of(samples, 'sextant_fault_tolerance')[0]?.value
  const ofServer = (name: string, server: string) =>
    of(samples, name).find(({ labels }) => labels.server === server)?.value ?? 0
  const diskErrors: Record<string, number> = {}
  for (const { labels, value } of of(samples, 'sextant_disk_errors_total'))
    if (value > 0) diskErrors[labels.process ?? ''] = (diskErrors[labels.process ?? ''] ?? 0) + value
  return {
    faultTolerance: tolerance === undefined || Number.isNaN(tolerance) ? null : tolerance,
    partsAtRisk: sum(of(samples, 'sextant_parts_at_risk')),
    partsWithoutSpare: only('sextant_parts_without_spare'),
    partsUnreadable: only('sextant_parts_unreadable'),
    repairBytes: only('sextant_repair_bytes'),
    partsToMove: only('sextant_parts_to_move'),
    doomedParts: only('sextant_doomed_parts'),
    strayChunks: only('sextant_stray_chunks'),
    servers: of(samples, 'sextant_server_status')
      .filter(({ value }) => value === 1)
      .map(({ labels: { server = '', status = '' } }) => ({
        server: Number(server),
        status,
        availableBytes: ofServer('sextant_server_available_bytes', server),
        capacityBytes: ofServer('sextant_server_capacity_bytes', server),
        chunks: ofServer('sextant_server_chunks', server),
        heartbeatSecondsAgo: ofServer('sextant_server_heartbeat_age_seconds', server),
      }))
      .sort((a, b) => a.server - b.server),
    diskErrors,
    silent: of(samples, 'sextant_process_up').flatMap(({ labels, value }) =>
      value === 0 ? [labels.process ?? ''] : [],
    ),
  }
}

function of(samples: readonly Sample[], name: string): Sample[] {
  return samples.filter((sample) => sample.name === name)
}

/** By how much each counter has grown; what is no counter is as it is. */
function changeOf(before: Look, after: Look): Sample[] {
  const keyOf = ({ name, labels }: Sample) => JSON.stringify([name, labels])
  const old = new Map(before.samples.map((sample) => [keyOf(sample), sample.value]))
  return after.samples.map((sample) => {
    if (!/_(total|bucket|sum|count)$/.test(sample.name)) return sample
    const then = old.get(keyOf(sample)) ?? 0
    // A process that was started anew counts from 0.
    return { ...sample, value: sample.value >= then ? sample.value - then : sample.value }
  })
}

function loadOf(samples: readonly Sample[], seconds: number): Load {
  const total = (name: string) => sum(of(samples, name))
  const buckets = of(samples, 'sextant_request_seconds_bucket')
  return {
    requestsPerSecond: total('sextant_requests_total') / seconds,
    errorsPerSecond: total('sextant_request_errors_total') / seconds,
    p50Ms: quantileMs(buckets, 0.5),
    p99Ms: quantileMs(buckets, 0.99),
    receivedPerSecond: total('sextant_received_bytes_total') / seconds,
    sentPerSecond: total('sextant_sent_bytes_total') / seconds,
    active: total('sextant_requests_active'),
  }
}

function sum(samples: readonly Sample[]): number {
  return samples.reduce((all, { value }) => all + value, 0)
}

/** As Prometheus' histogram_quantile: evenly spread within a bucket; beyond the last bound, that. */
export function quantileMs(buckets: readonly Sample[], share: number): number | null {
  const counts = new Map<number, number>()
  for (const { labels, value } of buckets) {
    const bound = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le)
    counts.set(bound, (counts.get(bound) ?? 0) + value)
  }
  const sorted = [...counts].sort(([a], [b]) => a - b)
  const all = sorted.at(-1)?.[1] ?? 0
  if (all === 0) return null
  const wanted = share * all
  let low = { bound: 0, count: 0 }
  for (const [bound, count] of sorted) {
    if (count >= wanted) {
      if (bound === Number.POSITIVE_INFINITY) return low.bound * 1000
      return (low.bound + (bound - low.bound) * ((wanted - low.count) / (count - low.count))) * 1000
    }
    low = { bound, count }
  }
  return low.bound * 1000
}
