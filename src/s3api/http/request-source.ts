import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'

/** Beyond this much waiting to be taken, the socket is no longer read: back-pressure. */
const QUEUED_BYTES_MAX = 64 * 1024
/** What a piece costs beside its bytes: they may come one by one. */
const PIECE_BYTES = 128

/**
 * The bytes of a request's body as they came. They can be read once; whoever asks for the first causes the 100 Continue.
 * Faults while reading: RequestTimeout (nothing for `idleMs`), IncompleteBody (the client went away).
 * A class, and not closures: made for every request, of which most have no body.
 */
export class RequestSource implements AsyncIterable<Uint8Array> {
  /** The client announced a body, be it of unknown length. */
  readonly hasBody: boolean
  /** Content-Length, where there is one. */
  readonly declaredBytes: number | undefined
  bytesRead = 0
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  readonly #expectsContinue: boolean
  readonly #clock: Clock
  readonly #idleMs: number
  readonly #queue: Buffer[] = []
  #queuedBytes = 0
  #isStarted = false
  #isEnded = false
  #isDiscarded = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    { clock, idleMs, expectsContinue }: { clock: Clock; idleMs: number; expectsContinue: boolean },
  ) {
    const { 'content-length': declared, 'transfer-encoding': coding } = req.headers
    this.declaredBytes = declared === undefined ? undefined : Number(declared)
    this.hasBody = coding !== undefined || (this.declaredBytes ?? 0) > 0
    this.#req = req
    this.#res = res
    this.#expectsContinue = expectsContinue
    this.#clock = clock
    this.#idleMs = idleMs
  }

  get isComplete(): boolean {
    return !this.hasBody || this.#isAll || this.#req.complete
  }

  /** It waits for a 100 Continue that was not sent. */
  get isAwaited(): boolean {
    return this.#expectsContinue && !this.#isStarted
  }

  /** Breaks the body off with a fault: what came is no HTTP any more. */
  fail(error: Error): void {
    this.#failure ??= error
    this.#wake?.()
  }

  /** Drops what came and what will come; nobody reads it any more. */
  discard(): void {
    this.#isDiscarded = true
    this.#queue.length = 0
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return { next: () => this.#next(), return: async () => ({ value: undefined, done: true }) }
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#isStarted) this.#start()
    for (;;) {
      const chunk = this.#queue.shift()
      if (chunk !== undefined) {
        this.#queuedBytes -= chunk.length + PIECE_BYTES
        if (this.#queue.length === 0 && this.#req.isPaused()) this.#req.resume()
        return { value: chunk, done: false }
      }
      if (this.#failure) throw this.#failure
      if (this.#isAll) return { value: undefined, done: true }
      await this.#change()
    }
  }

  /** The last byte is here; that nothing follows, Node says in a turn of its own. */
  get #isAll(): boolean {
    return this.#isEnded || this.bytesRead === this.declaredBytes
  }

  #start(): void {
    const req = this.#req
    this.#isStarted = true
    // Also where there is no body: botocore before 1.43.12 takes the next answer on the connection for headers otherwise.
    if (this.#expectsContinue) this.#res.writeContinue()
    req.on('data', (chunk: Buffer) => this.#take(chunk))
    req.on('end', () => {
      this.#isEnded = true
      this.#wake?.()
    })
    req.on('close', () => {
      if (this.#isAll) return
      this.fail(new StoreFault('IncompleteBody', { sizeBytes: this.bytesRead, expectedBytes: this.declaredBytes ?? 0 }))
    })
    req.on('error', (error) => this.fail(error))
  }

  #take(chunk: Buffer): void {
    if (this.#isDiscarded) return
    this.#queue.push(chunk)
    this.#queuedBytes += chunk.length + PIECE_BYTES
    this.bytesRead += chunk.length
    if (this.#queuedBytes >= QUEUED_BYTES_MAX) this.#req.pause()
    this.#wake?.()
  }

  /** Resolves when something happened; at the latest after `idleMs`. */
  async #change(): Promise<void> {
    using _timer = this.#clock.after(this.#idleMs, () => this.fail(new StoreFault('RequestTimeout', {})))
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }
}
