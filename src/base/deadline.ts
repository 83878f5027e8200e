import type { Clock } from './clock.ts'

export interface Deadline extends Disposable {
  readonly signal: AbortSignal
}

/** A signal that is aborted after `ms`, unless disposed first: AbortSignal.timeout on a clock that was passed in. */
export function deadline(clock: Clock, ms: number): Deadline {
  const late = new AbortController()
  const timer = clock.after(ms, () => late.abort(new Error(`not done within ${ms} ms`)))
  return { signal: late.signal, [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
