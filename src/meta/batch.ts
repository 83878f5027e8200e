import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../base/clock.ts'
import { StoreFault } from '../base/faults.ts'
import type { BatchedCall, BatchMeter } from '../base/spans.ts'
import { troubleOf } from './trouble.ts'

export interface BatcherOptions<I, O> {
  /** Batches under way at once. All but the first are for when that one does not suffice: see PATIENCE_MS. */
  lanesMax: number
  /** What a batch weighs at most; a heavier single item travels alone. */
  weightMax: number
  /** Items that wait; what comes on top is refused with SlowDown, so that memory stays bounded. */
  waitingMax: number
  /** 1 if absent. */
  weigh?: (item: I) => number
  /** Items of the same key never share a batch; the later one waits for the next. */
  keyOf?: (item: I) => string
  /** One transaction for all items; answers in their order. One that is still to come no longer holds the others up. */
  run: (items: readonly I[]) => Promise<readonly (O | Promise<O>)[]>
  /**
   * What an abort means for an item whose batch is under way. `leave`: the caller stops waiting, the batch goes on.
   * `stay`: the caller waits for the outcome, for it would not know what became of its write.
   */
  onAbort: 'leave' | 'stay'
  clock: Clock
  /** The statement that carries a batch. */
  statement: string
  /** Told of every item when it is settled, in its caller's async context. */
  told: BatchMeter | undefined
}

/** A batch under way for longer (it waits for somebody's lock, or for a disk) does not hold up what came after it. */
const PATIENCE_MS = 20

export interface Batcher<I, O> {
  submit(item: I, signal: AbortSignal): Promise<O>
}

interface Waiting<I, O> {
  item: I
  resolve: (output: O | Promise<O>) => void
  reject: (error: unknown) => void
  /** Takes the abort listener away; called when the item is settled, or can no longer be aborted. */
  unlisten: () => void
  /** Undefined: nobody is told. */
  call: BatchedCall | undefined
}

/**
 * Requests that wait together travel together: as soon as the batch before is back, all that wait go out, up to the
 * limit, and nothing ever waits for a batch to fill. A second lane opens beside a batch that is full, or slow: more lanes
 * than that make more and smaller batches, whose cost is mostly the same whatever they hold. One item that the database cannot digest fails alone: its batch is run again singly.
 */
export function makeBatcher<I, O>(options: BatcherOptions<I, O>): Batcher<I, O> {
  const { lanesMax, weightMax, waitingMax, weigh = () => 1, keyOf, run, onAbort, clock, statement, told } = options
  // A batch belongs to none of its callers: otherwise it would run as a part of whoever came first.
  const outside = told && AsyncLocalStorage.snapshot()
  let waiting: Waiting<I, O>[] = []
  /** Batches under way, and those of them that are slow. */
  let lanes = 0
  let slowLanes = 0
  let pumpIsDue = false

  function submit(item: I, signal: AbortSignal, call?: BatchedCall): Promise<O> {
    return new Promise<O>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      if (waiting.length >= waitingMax) {
        return reject(new StoreFault('SlowDown', { reason: 'too many calls wait for the metadata database' }))
      }
      const unlisten = () => signal.removeEventListener('abort', abort)
      const entry: Waiting<I, O> = { item, resolve, reject, unlisten, call }
      const abort = () => {
        const at = waiting.indexOf(entry)
        if (at >= 0) waiting.splice(at, 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort, { once: true })
      waiting.push(entry)
      pumpSoon()
    })
  }

  async function submitTold(item: I, signal: AbortSignal, tell: BatchMeter): Promise<O> {
    const call: BatchedCall = { statement, startedAt: performance.now(), sentAt: undefined, size: 0, isFailed: true }
    try {
      const output = await submit(item, signal, call)
      call.isFailed = false
      return output
    } finally {
      tell(call)
    }
  }

  /** Once all that came in is heard, so that what was asked at once, on however many connections, travels together. */
  function pumpSoon(): void {
    if (pumpIsDue) return
    pumpIsDue = true
    if (outside) outside(() => setImmediate(pump))
    else setImmediate(pump)
  }

  function pump(): void {
    pumpIsDue = false
    while (waiting.length > 0 && isLaneFree()) void drive(take())
  }

  function isLaneFree(): boolean {
    return lanes < lanesMax && (lanes === slowLanes || waiting.length >= weightMax)
  }

  function take(): Waiting<I, O>[] {
    const batch: Waiting<I, O>[] = []
    const rest: Waiting<I, O>[] = []
    const keys = new Set<string>()
    let weight = 0
    for (const entry of waiting) {
      const key = keyOf?.(entry.item)
      const heavier = weight + weigh(entry.item)
      if ((batch.length > 0 && heavier > weightMax) || (key !== undefined && keys.has(key))) {
        rest.push(entry)
        continue
      }
      batch.push(entry)
      if (key !== undefined) keys.add(key)
      weight = heavier
    }
    waiting = rest
    return batch
  }

  async function drive(batch: Waiting<I, O>[]): Promise<void> {
    let isSlow = false
    using _patience = clock.after(PATIENCE_MS, () => {
      isSlow = true
      slowLanes++
      pumpSoon()
    })
    lanes++
    if (told) noteSent(batch)
    if (onAbort === 'stay') for (const { unlisten } of batch) unlisten()
    try {
      await runOrSplit(batch)
    } finally {
      lanes--
      if (isSlow) slowLanes--
      if (waiting.length > 0) pumpSoon()
    }
  }

  async function runOrSplit(batch: Waiting<I, O>[]): Promise<void> {
    let outputs: readonly (O | Promise<O>)[]
    try {
      outputs = await run(batch.map(({ item }) => item))
    } catch (error) {
      if (batch.length > 1 && !(error instanceof StoreFault) && !troubleOf(error)) {
        for (const entry of batch) await runOrSplit([entry])
        return
      }
      for (const { reject, unlisten } of batch) {
        unlisten()
        reject(error)
      }
      return
    }
    batch.forEach(({ resolve, unlisten }, n) => {
      unlisten()
      resolve(outputs[n]!)
    })
  }

  return { submit: told ? (item, signal) => submitTold(item, signal, told) : submit }
}

function noteSent(batch: readonly Pick<Waiting<never, never>, 'call'>[]): void {
  const sentAt = performance.now()
  for (const { call } of batch) if (call) Object.assign(call, { sentAt, size: batch.length })
}
