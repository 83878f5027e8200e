/** What a child process of `sextant up` tells over its channel. */
export type ChildMessage =
  /** It serves. */
  | { kind: 'ready' }
  /** It could not start; one sentence for people. */
  | { kind: 'failed'; message: string }
  /** It got a SIGTERM, and asks whether that is meant. */
  | { kind: 'signalled' }

/** What `sextant up` tells a child. */
export interface StopMessage {
  kind: 'stop'
  /** How long to go on with what is under way. A later message may shorten it. */
  drainMs: number
}
