import type { Random } from '../../base/clock.ts'
import { showBytes } from '../../base/config-kinds.ts'
import { asFailure } from '../failure.ts'
import type { Retry } from '../s3-client/retry.ts'
import { Bodies } from './bodies.ts'
import { type Call, drive } from './drive.ts'
import { KeyRange } from './key-range.ts'
import type { BenchOrder, Operation } from './order.ts'
import type { Place } from './place.ts'
import { Requests } from './requests.ts'
import { Tally } from './tally.ts'

/** One measurement; of `mixed` there is one for all, and one for each kind of request. */
export interface Measured {
  operation: Operation | `mixed ${Kind}`
  sizeBytes: number
  tally: Tally
  /** From the first request's beginning to the last one's end. */
  seconds: number
  /** CPU time of this process for each second: 1 is one core. */
  clientCores: number
}

/** What is under way. */
export interface Stage {
  what: string
  tally: Tally
  startedAt: number
}

export interface SeriesContext {
  place: Place
  random: Random
  /** Of what is written to be read. */
  retry: Retry
  onStage(stage: Stage): void
  /** Also of what was cut short. */
  onMeasured(measured: Measured): void
}

type Kind = Exclude<Operation, 'mixed' | 'list'>

/** Of a hundred requests of `mixed`: mostly reads, as stores see them; more is put than deleted. */
const MIX: Readonly<Record<Kind, number>> = { get: 45, head: 30, put: 15, delete: 10 }
const SEED_BYTES = 16

/** Measures all of the order; ends early when it is aborted. CommandFailure: what is to be read cannot be written. */
export async function runSeries(context: SeriesContext, order: BenchOrder, signal: AbortSignal): Promise<void> {
  const bodies = new Bodies(context.random.bytes(SEED_BYTES))
  for (const sizeBytes of order.sizesBytes) {
    const requests = new Requests(context.place, bodies, sizeBytes)
    const below = `${context.place.prefix}${sizeBytes}/`
    const keys = { written: new KeyRange(`${below}written/`), read: new KeyRange(`${below}read/`) }
    for (const operation of order.operations) {
      if (operation !== 'put' && (operation !== 'delete' || keys.written.count === 0))
        await prepare(context, order, { requests, range: keys.read, sizeBytes }, signal)
      if (signal.aborted) return
      await measure(context, order, { operation, sizeBytes, requests, keys }, signal)
    }
  }
}

interface Subject {
  operation: Operation
  sizeBytes: number
  requests: Requests
  keys: { written: KeyRange; read: KeyRange }
}

/** Writes what is missing of the objects to be read. */
async function prepare(
  { retry, onStage }: SeriesContext,
  { clients, objectsOf }: BenchOrder,
  { requests, range, sizeBytes }: { requests: Requests; range: KeyRange; sizeBytes: number },
  signal: AbortSignal,
): Promise<void> {
  const { count: wanted, durationMs } = objectsOf(sizeBytes)
  if (range.count >= wanted) return
  const tally = new Tally()
  const what = `writing ${wanted - range.count} objects of ${showBytes(sizeBytes)} to be read`
  onStage({ what, tally, startedAt: performance.now() })
  const next = (): Call | undefined => {
    if (tally.failed > 0 || range.count >= wanted) return undefined
    const key = range.add()
    return { tallies: [tally], run: (stop) => retry(() => requests.put(key, stop), stop) }
  }
  await drive({ clients, durationMs, next }, signal)
  const [failure] = tally.failures
  if (failure) throw asFailure('The objects to be read could not be written', new Error(failure.first))
}

async function measure(
  { random, onStage, onMeasured }: SeriesContext,
  { clients, durationMs }: BenchOrder,
  subject: Subject,
  signal: AbortSignal,
): Promise<void> {
  const { operation, sizeBytes } = subject
  const tally = new Tally()
  const kinds = { get: new Tally(), head: new Tally(), put: new Tally(), delete: new Tally() }
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  onStage({ what: `${operation} ${showBytes(sizeBytes)}`, tally, startedAt })
  const next = (): Call | undefined => {
    if (operation !== 'mixed') {
      const run = callOf(subject, operation, random)
      return run && { tallies: [tally], run }
    }
    const kind = kindOf(random.integer(100))
    const run = callOf(subject, kind, random)
    return run ? { tallies: [tally, kinds[kind]], run } : next()
  }
  await drive({ clients, durationMs, next }, signal)
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const shared = { sizeBytes, seconds, clientCores: (user + system) / 1e6 / seconds }
  onMeasured({ operation, tally, ...shared })
  if (operation !== 'mixed') return
  for (const kind of Object.keys(MIX) as Kind[])
    onMeasured({ operation: `mixed ${kind}`, tally: kinds[kind], ...shared })
}

/** undefined: there is nothing that it could be done with. */
function callOf(
  { operation, requests, keys: { written, read } }: Subject,
  kind: Exclude<Operation, 'mixed'>,
  random: Random,
): Call['run'] | undefined {
  if (kind === 'list') return (signal) => requests.list(read, signal)
  if (kind === 'put') {
    const key = written.add()
    return (signal) => requests.put(key, signal)
  }
  if (kind === 'delete') {
    // Of a mix the objects to be read stay.
    const key = written.take() ?? (operation === 'mixed' ? undefined : read.take())
    return key === undefined ? undefined : (signal) => requests.delete(key, signal)
  }
  const key = read.key(read.first + random.integer(read.count))
  return (signal) => requests[kind](key, signal)
}

function kindOf(chance: number): Kind {
  let left = chance
  for (const [kind, share] of Object.entries(MIX) as [Kind, number][]) {
    if (left < share) return kind
    left -= share
  }
  throw new Error('the shares of a mix are less than a hundred')
}
