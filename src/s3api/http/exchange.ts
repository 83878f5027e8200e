import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import type { StoreFault } from '../../base/faults.ts'
import type { HttpLimits } from '../settings.ts'
import { openRequestSource, type RequestSource } from './request-source.ts'

/** One request and its answer, from first byte to last. */
export interface Exchange {
  readonly req: IncomingMessage & { originalUrl?: string }
  readonly res: ServerResponse
  /** The same in header, XML and log. */
  readonly requestId: string
  /** What the server calls itself: x-amz-id-2, HostId. */
  readonly hostId: string
  /** Aborted when the client goes away before it has the whole answer, or when its body breaks (the reason is then a fault). */
  readonly signal: AbortSignal
  /** The body is no HTTP any more: whoever reads it, and whoever waits for something else, is told. */
  breakOff(fault: StoreFault): void
  readonly source: RequestSource
  readonly limits: HttpLimits
  readonly clock: Clock
  /** By `performance.now()`. */
  readonly startedAt: number
  /** This is the last answer on its connection. */
  readonly isClosing: () => boolean
  /** Of the answer's body. */
  bytesSent: number
}

export interface ExchangeDeps {
  clock: Clock
  limits: HttpLimits
  hostId: string
  nextRequestId: () => string
  isClosing: () => boolean
}

export function openExchange(
  { nextRequestId, ...deps }: ExchangeDeps,
  req: IncomingMessage,
  res: ServerResponse,
  expectsContinue: boolean,
): Exchange {
  const aborter = new AbortController()
  res.on('close', () => {
    if (!res.writableFinished) aborter.abort(new Error('the client went away'))
  })
  const source = openRequestSource(req, res, { clock: deps.clock, idleMs: deps.limits.bodyIdleMs, expectsContinue })
  return {
    ...deps,
    req,
    res,
    requestId: nextRequestId(),
    signal: aborter.signal,
    breakOff(fault) {
      source.fail(fault)
      aborter.abort(fault)
    },
    source,
    startedAt: performance.now(),
    bytesSent: 0,
  }
}
