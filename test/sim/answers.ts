import { StoreFault } from '../../src/base/faults.ts'
import type { Write } from './check/linearizable.ts'

export type Answer<T> = { value: T } | { error: unknown }

/** What became of a call; failed: surely nothing has happened, nor will it. */
export type Outcome = Write['outcome'] | 'failed'

/** The gateway has died: nobody knows. */
export const gone = new Error('the gateway is gone')
/** The client gave up before its body was all sent. */
export const left = new Error('the client has left')

/** Refusals that say that nothing was changed. */
const REFUSALS: ReadonlySet<string> = new Set([
  'BadDigest',
  'DataUnavailable',
  'IncompleteBody',
  'InsufficientStorage',
  'InvalidPart',
  'NoSuchUpload',
  'SlowDown',
])

export function meaningOf(error: unknown): Outcome | 'unforeseen' {
  if (error === gone) return 'unknown'
  if (error === left) return 'failed'
  if (!(error instanceof StoreFault)) return 'unforeseen'
  if (error.code === 'PreconditionFailed') return 'precondition-failed'
  if (error.code === 'NoSuchKey') return 'no-key'
  if (error.code === 'ServiceUnavailable') {
    return (error as StoreFault<'ServiceUnavailable'>).detail.outcomeUnknown ? 'unknown' : 'failed'
  }
  return REFUSALS.has(error.code) ? 'failed' : 'unforeseen'
}
