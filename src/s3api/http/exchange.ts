import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressList } from '../../base/address-list.ts'
import type { ByteBudget } from '../../base/byte-budget.ts'
import type { Clock } from '../../base/clock.ts'
import type { StoreFault } from '../../base/faults.ts'
import { clientAddress, isClientTls } from '../access/peer.ts'
import type { ReplyHeaders } from '../operation.ts'
import type { HttpLimits } from '../settings.ts'
import type { DropPace } from './drop-pace.ts'
import { RequestSource } from './request-source.ts'

export interface ExchangeDeps {
  trustedProxies: AddressList | undefined
  clock: Clock
  limits: HttpLimits
  /** For large answers until their clients have taken them. */
  answers: ByteBudget
  /** For bodies that nobody wants. */
  dropped: DropPace
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
  /** The client's, be it behind proxies. */
  readonly address: string | undefined
  /** Whether the client's connection is TLS, be it a proxy that ends it. */
  readonly isTls: boolean
  readonly source: RequestSource
  readonly limits: HttpLimits
  readonly answers: ByteBudget
  readonly dropped: DropPace
  readonly clock: Clock
  readonly #isClosing: () => boolean
  /** By `performance.now()`. */
  readonly startedAt: number
  /** When the answer's head was written, by the same clock. */
  headAt: number | undefined
  /** Of the answer's body. */
  bytesSent = 0
  /** What came is such that nothing behind it is to be trusted: the connection ends with the answer. */
  endsConnection = false
  /** What a browser of another origin is to see with the answer, whatever it is. */
  corsHeaders: ReplyHeaders | undefined
  /** The answer's head said how long its body is. */
  isMeasured = false
  readonly #aborter = new AbortController()
  #isOver = false
  #wake: (() => void) | undefined

  constructor(deps: ExchangeDeps, req: IncomingMessage, res: ServerResponse, expectsContinue: boolean) {
    const { clock, limits, answers, dropped, hostId, nextRequestId, isClosing, trustedProxies } = deps
    this.req = req
    this.res = res
    this.requestId = nextRequestId()
    this.hostId = hostId
    this.address = clientAddress(req.socket, forwarded(req, 'x-forwarded-for'), trustedProxies)
    this.isTls = isClientTls(req.socket, forwarded(req, 'x-forwarded-proto'), trustedProxies)
    this.source = new RequestSource(req, res, { clock, idleMs: limits.bodyIdleMs, expectsContinue })
    this.limits = limits
    this.answers = answers
    this.dropped = dropped
    this.clock = clock
    this.#isClosing = isClosing
    this.startedAt = performance.now()
    res.once('close', () => this.#end())
  }

  /** Aborted when the client goes away before it has the whole answer, or when its body breaks (the reason is then a fault). */
  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  /** This is the last answer on its connection. */
  get isLast(): boolean {
    return this.endsConnection || this.#isClosing()
  }

  /** The body is no HTTP any more: whoever reads it, and whoever waits for something else, is told. */
  breakOff(fault: StoreFault): void {
    this.endsConnection = true
    this.source.fail(fault)
    this.#aborter.abort(fault)
  }

  /** Resolves when the answer is out, or the client gone: Node says «close» after either. */
  async over(): Promise<void> {
    if (this.#isOver || this.res.destroyed) return
    // Hardly ever: the kernel takes an answer at once, unless its client does not read.
    using _watch = this.res.socket?.writableLength === 0 ? undefined : this.#watchProgress()
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  /** Breaks the connection off when the client takes nothing of the answer for `answerIdleMs`. */
  #watchProgress(): Disposable {
    const { clock, limits, res } = this
    let leftBytes = res.socket?.writableLength ?? Number.POSITIVE_INFINITY
    const look = () => {
      // Without a socket it waits for the answer before it, which is watched itself.
      const nowBytes = res.socket?.writableLength
      if (nowBytes !== undefined && nowBytes >= leftBytes) res.destroy()
      leftBytes = nowBytes ?? Number.POSITIVE_INFINITY
      timer = clock.after(limits.answerIdleMs, look)
    }
    let timer = clock.after(limits.answerIdleMs, look)
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
  }

  #end(): void {
    this.#isOver = true
    if (!this.res.writableFinished) this.#aborter.abort(new Error('the client went away'))
    this.#wake?.()
  }
}

/** Node joins repeated ones by commas, in their order. */
function forwarded({ headers }: IncomingMessage, name: 'x-forwarded-for' | 'x-forwarded-proto'): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}
