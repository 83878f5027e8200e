import type { Clock, Random } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import { S3Failure } from './s3-failure.ts'

/** Does it again, later and later, while that may help; then throws what came of the last attempt. */
export type Retry = <T>(attempt: () => Promise<T>, signal: AbortSignal) => Promise<T>

export interface RetryOptions {
  attempts: number
  /** Before the second attempt. */
  waitMs: number
  clock: Clock
  random: Random
  onRetry(error: unknown): void
}

const WAIT_MS_MAX = 60_000

export function createRetry({ attempts, waitMs, clock, random, onRetry }: RetryOptions): Retry {
  return async (attempt, signal) => {
    for (let failed = 0; ; ) {
      signal.throwIfAborted()
      try {
        return await attempt()
      } catch (error) {
        signal.throwIfAborted()
        if (++failed >= attempts || !mayPass(error)) throw error
        onRetry(error)
      }
      const longest = Math.min(WAIT_MS_MAX, waitMs * 2 ** (failed - 1))
      await clock.sleep(longest / 2 + random.integer(Math.ceil(longest / 2)), signal)
    }
  }
}

/** A document that is not well-formed was cut short. */
function mayPass(error: unknown): boolean {
  return error instanceof S3Failure ? error.isPassing : error instanceof StoreFault
}
