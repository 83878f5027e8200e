import { constants } from 'node:os'
import { showBytes } from '../../base/config-kinds.ts'
import { isHere } from '../bench/is-here.ts'
import { readOrder } from '../bench/order.ts'
import { clearPlace, nameOf, openPlace, type Place } from '../bench/place.ts'
import { type Measured, runSeries, type Stage } from '../bench/series.ts'
import { type FailureCount, Tally } from '../bench/tally.ts'
import { type CommandDeps, withCommandDeps } from '../command-deps.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import { tableLines } from '../output.ts'
import { S3Endpoint } from '../s3-client/endpoint.ts'
import { findStore, parseEndpoint } from '../s3-client/find-store.ts'
import { readIdentity } from '../s3-client/identity.ts'
import { createRetry } from '../s3-client/retry.ts'
import type { BenchOptions } from './bench.ts'
import { repeatProgress } from './progress-line.ts'
import { showCount, showRounded } from './show.ts'

/** A request for which not a byte travels for so long has failed: longer than a store that is only busy takes. */
const IDLE_MS = 60_000
/** Of what is not measured: objects to be read, and removing. Half a second, one, two, …: half a minute in all. */
const ATTEMPTS = 6
const RETRY_MS = 500
/** A key press that the terminal and a parent (npx) both pass on comes twice: the second one means the same. */
const SAME_PRESS_MS = 500
/** Beyond that, it is the client that is measured: one thread, and what its pool adds. */
const CLIENT_CORES_BUSY = 0.9

export interface BenchRow {
  operation: Measured['operation']
  sizeBytes: number
  clients: number
  /** That went well; only of these are rates and times. Null: there was none. */
  operations: number
  seconds: number
  operationsPerSecond: number
  bytesPerSecond: number
  p50Ms: number | null
  p90Ms: number | null
  p99Ms: number | null
  maxMs: number | null
  failed: number
  failures: FailureCount[]
  clientCores: number
}

export interface BenchOutcome {
  ok: boolean
  endpoint: string
  bucket: string
  prefix: string
  /** The client shares the machine with what it measures. */
  isLocal: boolean
  isKept: boolean
  /** By what it was stopped before its end; null: it was not. */
  stopped: string | null
  /** Why the series could not go on; null: it could. */
  broken: string | null
  /** Why something that was written is still there; null: nothing is, or it was to be kept. */
  leftOver: string | null
  results: BenchRow[]
}

/** CommandFailure: nothing could be measured. */
export function runBench(
  operations: readonly string[],
  options: BenchOptions,
  progress: (line: string) => void,
): Promise<BenchOutcome> {
  return withCommandDeps(progress, async (deps) => {
    const { settings, env, clock, random, signal } = deps
    const order = readOrder(operations, options)
    const target =
      options.endpoint === undefined
        ? await findStore(settings, '--endpoint', undefined)
        : { url: parseEndpoint('--endpoint', options.endpoint), ...readIdentity(env, 'the endpoint') }
    using endpoint = new S3Endpoint({ clock, ...target, idleMs: IDLE_MS, connectionsMax: order.clients })
    const name = `sextant-bench-${random.bytes(6).toString('hex')}`
    const isOwnBucket = options.bucket === undefined
    const place = { endpoint, bucket: options.bucket ?? name, prefix: `${name}/`, isOwnBucket }
    const retry = createRetry({ attempts: ATTEMPTS, waitMs: RETRY_MS, clock, random, onRetry: () => {} })
    using _second = endOnSecondSignal(deps, place)

    const rows: BenchRow[] = []
    let stage: Stage = { what: '', tally: new Tally(), startedAt: performance.now() }
    let broken: string | null = null
    let leftOver: string | null = null
    using _shown = repeatProgress(clock, progress, () => stageLine(stage))
    const context = {
      place,
      random,
      retry,
      onStage: (next: Stage) => {
        stage = next
      },
      onMeasured: (measured: Measured) => rows.push(rowOf(measured, order.clients)),
    }
    try {
      await openPlace(place, target.region, signal)
      await runSeries(context, order, signal)
    } catch (error) {
      if (error instanceof CommandFailure && stage.what === '') throw error
      if (!signal.aborted) broken = messageOf(error)
    }
    if (!options.keep) {
      const tally = new Tally()
      stage = { what: 'removing what was written', tally, startedAt: performance.now() }
      const onRemoved = (count: number) => {
        tally.operations += count
      }
      // Whatever stopped the series: this is still to be done.
      leftOver = await clearPlace(place, retry, new AbortController().signal, onRemoved).then(() => null, messageOf)
    }
    const stopped = signal.aborted ? (signal.reason as Error).message : null
    const isBad = stopped !== null || broken !== null || leftOver !== null || rows.some(({ failed }) => failed > 0)
    return {
      ok: !isBad,
      endpoint: endpoint.name,
      bucket: place.bucket,
      prefix: place.prefix,
      isLocal: await isHere(target.url),
      isKept: options.keep ?? false,
      stopped,
      broken,
      leftOver,
      results: rows,
    }
  })
}

/** The first signal is the deps'. */
function endOnSecondSignal({ signal, clock }: CommandDeps, place: Place): Disposable {
  let firstMs = 0
  const end = (name: NodeJS.Signals) => {
    if (clock.nowMs() - firstMs < SAME_PRESS_MS) return
    process.stderr.write(`\nEnded at once: what was written is still below ${nameOf(place)}.\n`)
    process.exit(128 + constants.signals[name])
  }
  const onFirst = () => {
    firstMs = clock.nowMs()
    process.on('SIGINT', end).on('SIGTERM', end)
  }
  signal.addEventListener('abort', onFirst, { once: true })
  return {
    [Symbol.dispose]() {
      signal.removeEventListener('abort', onFirst)
      process.off('SIGINT', end).off('SIGTERM', end)
    },
  }
}

function stageLine({ what, tally, startedAt }: Stage): string {
  const seconds = (performance.now() - startedAt) / 1000
  return [
    `${what}: ${showCount(tally.operations, 'operation')}`,
    `${Math.round(tally.operations / seconds).toLocaleString('en-US')}/s`,
    ...(tally.bytes > 0 ? [`${showRounded(tally.bytes / seconds)}/s`] : []),
    ...(tally.failed > 0 ? [`${tally.failed} failed`] : []),
  ].join(', ')
}

function rowOf({ operation, sizeBytes, tally, seconds, clientCores }: Measured, clients: number): BenchRow {
  const { operations, bytes, latencies, failed, failures } = tally
  return {
    operation,
    sizeBytes,
    clients,
    operations,
    seconds,
    operationsPerSecond: operations / seconds,
    bytesPerSecond: bytes / seconds,
    p50Ms: latencies.quantileMs(0.5),
    p90Ms: latencies.quantileMs(0.9),
    p99Ms: latencies.quantileMs(0.99),
    maxMs: latencies.maxMs,
    failed,
    failures,
    clientCores,
  }
}

export function benchLines(outcome: BenchOutcome): string[] {
  const { endpoint, bucket, prefix, isLocal, isKept, stopped, broken, leftOver, results } = outcome
  const isClientBusy = results.some(({ clientCores }) => clientCores >= CLIENT_CORES_BUSY)
  return [
    endpoint,
    ...tableLines([
      ['OPERATION', 'SIZE', 'CLIENTS', 'COUNT', 'PER S', 'MIB/S', 'P50 MS', 'P90 MS', 'P99 MS', 'MAX MS', 'FAILED'],
      ...results.map(cellsOf),
    ]),
    ...results.flatMap(({ operation, sizeBytes, failures }) =>
      // Those of a mix are told of the whole mix.
      operation.startsWith('mixed ')
        ? []
        : failures.map(
            ({ code, count, first }) => `FAILED: ${operation} ${showBytes(sizeBytes)}: ${count} × ${code}: ${first}`,
          ),
    ),
    ...(isLocal ? ['The figures are of client and store together, for both are on this machine.'] : []),
    ...(isClientBusy
      ? ['The client had a core to do: more than that needs several of them, on other machines best.']
      : []),
    ...(isKept ? [`What was written is kept below s3://${bucket}/${prefix}.`] : []),
    ...(stopped ? [`It was ${stopped}: the figures are of what was done until then.`] : []),
    ...(broken ? [broken] : []),
    ...(leftOver ? [leftOver] : []),
  ]
}

function cellsOf(row: BenchRow): string[] {
  const { operation, sizeBytes, clients, operations, operationsPerSecond, bytesPerSecond, failed } = row
  return [
    operation,
    showBytes(sizeBytes),
    String(clients),
    String(operations),
    showNumber(operationsPerSecond),
    bytesPerSecond > 0 ? showNumber(bytesPerSecond / 2 ** 20) : '-',
    ...[row.p50Ms, row.p90Ms, row.p99Ms, row.maxMs].map((ms) => (ms === null ? '-' : showNumber(ms))),
    String(failed),
  ]
}

/** Three digits, or all before the point. */
function showNumber(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toPrecision(3)
}
