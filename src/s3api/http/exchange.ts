import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import type { StoreFault } from '../../base/faults.ts'
import type { HttpLimits } from '../settings.ts'
import { RequestSource } from './request-source.ts'

export interface ExchangeDeps {
  clock: Clock
  limits: HttpLimits
  hostId: string
  nextRequestId: () => string
  isClosing: () => boolean
}

/** One request and its answer, from first byte to last. */
export class Exchange {
  readonly req: IncomingMessage & { originalUrl?: string }
  readonly res: ServerResponse
  /** The same in header, XML and log. */
  readonly requestId: string
  /** What the server calls itself: x-amz-id-2, HostId. */
  readonly hostId: string
  readonly source: RequestSource
  readonly limits: HttpLimits
  readonly clock: Clock
  /** This is the last answer on its connection. */
  readonly isClosing: () => boolean
  /** By `performance.now()`. */
  readonly startedAt: number
  /** Of the answer's body. */
  bytesSent = 0
  /** The answer's head said how long its body is. */
  isMeasured = false
  readonly #aborter = new AbortController()
  #isOver = false
  #wake: (() => void) | undefined

  constructor(deps: ExchangeDeps, req: IncomingMessage, res: ServerResponse, expectsContinue: boolean) {
    const { clock, limits, hostId, nextRequestId, isClosing } = deps
    this.req = req
    this.res = res
    this.requestId = nextRequestId()
    this.hostId = hostId
    this.source = new RequestSource(req, res, { clock, idleMs: limits.bodyIdleMs, expectsContinue })
    this.limits = limits
    this.clock = clock
    this.isClosing = isClosing
    this.startedAt = performance.now()
    res.once('close', () => this.#end())
  }

  /** Aborted when the client goes away before it has the whole answer, or when its body breaks (the reason is then a fault). */
  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  /** The body is no HTTP any more: whoever reads it, and whoever waits for something else, is told. */
  breakOff(fault: StoreFault): void {
    this.source.fail(fault)
    this.#aborter.abort(fault)
  }

  /** Resolves when the answer is out, or the client gone: Node says «close» after either. */
  async over(): Promise<void> {
    if (this.#isOver || this.res.destroyed) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #end(): void {
    this.#isOver = true
    if (!this.res.writableFinished) this.#aborter.abort(new Error('the client went away'))
    this.#wake?.()
  }
}
