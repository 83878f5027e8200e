import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'

/** Beyond this much waiting to be taken, the socket is no longer read: back-pressure. */
const QUEUED_BYTES_MAX = 64 * 1024

/** The bytes of a request's body as they came. They can be read once; whoever asks for the first causes the 100 Continue. */
export interface RequestSource extends AsyncIterable<Uint8Array> {
  /** The client announced a body, be it of unknown length. */
  readonly hasBody: boolean
  readonly isStarted: boolean
  readonly isComplete: boolean
  readonly bytesRead: number
  /** Content-Length, where there is one. */
  readonly declaredBytes: number | undefined
  /** It waits for a 100 Continue that was not sent. */
  readonly isAwaited: boolean
  /** Breaks the body off with a fault: what came is no HTTP any more. */
  fail(error: Error): void
  /** Drops what came and what will come; nobody reads it any more. */
  discard(): void
}

/** Faults while reading: RequestTimeout (nothing for `idleMs`), IncompleteBody (the client went away). */
export function openRequestSource(
  req: IncomingMessage,
  res: ServerResponse,
  { clock, idleMs, expectsContinue }: { clock: Clock; idleMs: number; expectsContinue: boolean },
): RequestSource {
  const declared = req.headers['content-length']
  const declaredBytes = declared === undefined ? undefined : Number(declared)
  const hasBody = req.headers['transfer-encoding'] !== undefined || (declaredBytes ?? 0) > 0
  const queue: Buffer[] = []
  let queuedBytes = 0
  let bytesRead = 0
  let isStarted = false
  let isEnded = false
  let isDiscarded = false
  let failure: Error | undefined
  let wake: (() => void) | undefined

  function start(): void {
    isStarted = true
    // Also where there is no body: botocore before 1.43.12 takes the next answer on the connection for headers otherwise.
    if (expectsContinue) res.writeContinue()
    req.on('data', (chunk: Buffer) => {
      if (isDiscarded) return
      queue.push(chunk)
      queuedBytes += chunk.length
      bytesRead += chunk.length
      if (queuedBytes >= QUEUED_BYTES_MAX) req.pause()
      wake?.()
    })
    req.on('end', () => {
      isEnded = true
      wake?.()
    })
    req.on('close', () => {
      if (!isEnded) fail(new StoreFault('IncompleteBody', { sizeBytes: bytesRead, expectedBytes: declaredBytes ?? 0 }))
    })
    req.on('error', fail)
  }

  function fail(error: Error): void {
    failure ??= error
    wake?.()
  }

  /** Resolves when something happened; at the latest after `idleMs`. */
  async function change(): Promise<void> {
    using _timer = clock.after(idleMs, () => fail(new StoreFault('RequestTimeout', {})))
    await new Promise<void>((resolve) => {
      wake = resolve
    })
    wake = undefined
  }

  async function next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!isStarted) start()
    for (;;) {
      const chunk = queue.shift()
      if (chunk !== undefined) {
        queuedBytes -= chunk.length
        if (queue.length === 0 && req.isPaused()) req.resume()
        return { value: chunk, done: false }
      }
      if (failure) throw failure
      if (isEnded) return { value: undefined, done: true }
      await change()
    }
  }

  return {
    hasBody,
    declaredBytes,
    get isStarted() {
      return isStarted
    },
    get isComplete() {
      return !hasBody || isEnded || req.complete
    },
    get bytesRead() {
      return bytesRead
    },
    get isAwaited() {
      return expectsContinue && !isStarted
    },
    fail,
    discard() {
      isDiscarded = true
      queue.length = 0
    },
    [Symbol.asyncIterator]: () => ({ next, return: async () => ({ value: undefined, done: true as const }) }),
  }
}
