/**
 * Traces, as rooms see them; src/tracing makes them. Where nobody asked for any, all of this is undefined, and costs a look
 * whether it is there.
 */
import type { RequestRecord } from './meters.ts'

/** What the head of a request says to a trace. */
export interface RequestStart {
  method: string
  /** By names in small letters. Looked at for whose trace it belongs to, and for nothing else. */
  headers: Readonly<Record<string, string | string[] | undefined>>
  isTls: boolean
}

/** What a request was about. */
export interface RequestSubject {
  requestId: string
  bucket: string | undefined
  key: string | undefined
}

/** One request, while it is answered. */
export interface RequestSpan {
  /** Does a part of the work that is told of by itself. */
  step<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Once. What goes on behind the answer is not told of. */
  end(record: RequestRecord, subject: RequestSubject): void
}

export interface RequestTracer {
  /** Does `work` so that what it asks of the database and the storage nodes is told of as this request's. */
  run(start: RequestStart, work: (span: RequestSpan) => Promise<void>): Promise<void>
}

/** Whose trace what goes on now belongs to, as W3C's `traceparent`; undefined: nobody's. */
export type CurrentTrace = () => string | undefined

/** The other end of it. */
export interface CallTracer {
  /** Does `work` as a part of a caller's trace. What is no traceparent is passed over. */
  within<T>(traceparent: string, work: () => T): T
}

/** One of the calls that a batch carries. */
export interface BatchedCall {
  /** What the batch is sent as. */
  statement: string
  /** By `performance.now()`, as `sentAt`. */
  startedAt: number
  /** When its batch went out; undefined: it never did. */
  sentAt: number | undefined
  /** Calls that the batch carried. */
  size: number
  isFailed: boolean
}

/** Told of a call when it is settled, as a part of what asked for it. */
export type BatchMeter = (call: BatchedCall) => void
