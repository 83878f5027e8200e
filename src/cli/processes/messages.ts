import type { Usage } from '../../s3api/limits/rate-limiter.ts'

/** What a child process of `sextant up` tells over its channel. */
export type ChildMessage =
  /** It serves. */
  | { kind: 'ready' }
  /** It could not start; one sentence for people. */
  | { kind: 'failed'; message: string }
  /** It got a SIGTERM, and asks whether that is meant. */
  | { kind: 'signalled' }
  | UsageMessage

/** What was asked of one gateway process, for the others: they bound clients together. Passed on as it is. */
export interface UsageMessage {
  kind: 'usage'
  usages: readonly Usage[]
}

/** What `sextant up` tells a child. */
export interface StopMessage {
  kind: 'stop'
  /** How long to go on with what is under way. A later message may shorten it. */
  drainMs: number
}
