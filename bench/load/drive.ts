import { performance } from 'node:perf_hooks'

/** Bytes of bodies that one operation moved; heads are left out. */
export interface Moved {
  bytesIn: number
  bytesOut: number
}

/** Makes one call after the other. */
export interface Client {
  /** Operation number `n` of all. */
  call(n: number): Promise<Moved>
  close?(): void
}

export type OpenClient = () => Client

export interface Load {
  /** So many operations are under way at once. */
  clients: number
  open: OpenClient
  operationsMax: number
  /** None is begun later. */
  secondsMax?: number
}

export interface LoadResult {
  operations: number
  failures: number
  /** Of failures, the first one's text. */
  firstFailure: string
  seconds: number
  bytesIn: number
  bytesOut: number
  latencyMs: { p50: number; p90: number; p99: number; max: number }
}

/** Runs operations 0, 1, 2, … on `clients` clients: each begins the next one when its last one ended. */
export async function drive({ clients, open, operationsMax, secondsMax = Infinity }: Load): Promise<LoadResult> {
  const latencies: number[] = []
  const result = { failures: 0, firstFailure: '', bytesIn: 0, bytesOut: 0 }
  let next = 0
  const started = performance.now()
  const deadline = started + secondsMax * 1000
  const run = async () => {
    const client = open()
    while (next < operationsMax && performance.now() < deadline) {
      const sentAt = performance.now()
      try {
        const { bytesIn, bytesOut } = await client.call(next++)
        result.bytesIn += bytesIn
        result.bytesOut += bytesOut
      } catch (error) {
        result.failures++
        result.firstFailure ||= String(error)
      }
      latencies.push(performance.now() - sentAt)
    }
    client.close?.()
  }
  await Promise.all(Array.from({ length: Math.min(clients, operationsMax) }, run))
  const seconds = (performance.now() - started) / 1000
  return { operations: latencies.length, seconds, ...result, latencyMs: percentiles(latencies) }
}

function percentiles(latencies: number[]): LoadResult['latencyMs'] {
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}
