import type { Clock } from '../base/clock.ts'
import { ChunkError } from '../base/faults.ts'
import { IdleTimer } from '../base/idle-timer.ts'
import { MessageCollector } from '../base/rpc/message-reader.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { WireHeader } from '../base/wire/chunk-fields.ts'
import { putHeaderMessage, putPayloadMessage, putTrailerMessage } from '../base/wire/stream-messages.ts'
import type { ChunkTrailer, ChunkWriter } from '../engine/ports/chunk-store.ts'
import { aborted, fromStatus, toChunkError, unreachable } from './errors.ts'
import type { GrpcCall } from './grpc-call.ts'
import type { GrpcConnection } from './grpc-connection.ts'
import { toWireTrailer } from './labels.ts'
import { paths } from './methods.ts'

export interface PutStreamDeps {
  clock: Clock
  idleMs: number
  onAnswer(): void
  onTimeout(waitedMs: number): void
  /** Connects; rejects with a ChunkError. */
  connect(): Promise<GrpcConnection>
}

interface Unsent {
  pieces: readonly Uint8Array[]
  resolve(): void
  reject(error: ChunkError): void
}

/**
 * One large chunk on its way. Its bytes go from the caller's memory to the kernel, uncopied; a write resolves when they
 * are there: at the speed of the node's disk, by the stream's window. After a failure a few of them may still be on
 * their way out; what the caller's memory holds by then, the node's checksums refuse.
 */
export class PutStream implements ChunkWriter {
  #deps: PutStreamDeps
  #signal: AbortSignal
  #call: GrpcCall | undefined
  /** Messages that have not left yet, in order. */
  #unsent = new Set<Unsent>()
  /** Those of them that wait for the connection. */
  #unwritten: Unsent[] = []
  #answer = Promise.withResolvers<void>()
  #idle: IdleTimer
  #failure: ChunkError | undefined
  #isDone = false
  #onAbort = () => this.#fail(aborted(this.#signal))

  constructor(deps: PutStreamDeps, header: WireHeader, signal: AbortSignal) {
    this.#deps = deps
    this.#signal = signal
    this.#idle = new IdleTimer(deps.clock, deps.idleMs, () => {
      deps.onTimeout(deps.idleMs)
      this.#fail(unreachable(`no progress within ${deps.idleMs} ms`))
    })
    // The failure shows in the next write or finish; there may be none.
    this.#answer.promise.catch(() => {})
    signal.addEventListener('abort', this.#onAbort, { once: true })
    this.#queue({ pieces: putHeaderMessage(header), resolve: () => {}, reject: () => {} })
    if (signal.aborted) this.#onAbort()
    else void this.#open()
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    await Promise.all(cut(pieces, wireBounds.pieceBytesMax).map((part) => this.#writeMessage(part)))
  }

  async finish(trailer: ChunkTrailer): Promise<void> {
    if (this.#failure) throw this.#failure
    this.#queue({ pieces: putTrailerMessage(toWireTrailer(trailer)), resolve: () => {}, reject: () => {} })
    this.#isDone = true
    if (this.#unwritten.length === 0) this.#call?.end()
    this.#idle.begin()
    await this.#answer.promise
  }

  abort(): void {
    this.#fail(aborted())
  }

  #writeMessage(payload: readonly Uint8Array[]): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const entry: Unsent = { pieces: putPayloadMessage(payload), resolve, reject }
    this.#unsent.add(entry)
    this.#queue(entry)
    return promise
  }

  #queue(entry: Unsent): void {
    if (this.#call) this.#send(this.#call, entry)
    else this.#unwritten.push(entry)
  }

  #send(call: GrpcCall, entry: Unsent): void {
    this.#idle.begin()
    call.send(entry.pieces, (error) => {
      this.#idle.end()
      if (error) return // told by the call's status
      this.#unsent.delete(entry)
      entry.resolve()
    })
  }

  async #open(): Promise<void> {
    try {
      const connection = await this.#deps.connect()
      if (this.#failure) return
      const call = connection.call(paths.putChunk, {
        messages: new MessageCollector({
          bytesMax: wireBounds.messageBytesMax,
          allocate: (bytes) => Buffer.allocUnsafe(bytes),
          onMessage() {},
        }),
        onTaken: (bytes) => call.consumed(bytes),
        onStatus: (status) => this.#answered(fromStatus(status)),
      })
      this.#call = call
      for (const entry of this.#unwritten.splice(0)) this.#send(call, entry)
      if (this.#isDone) call.end()
    } catch (error) {
      this.#fail(toChunkError(error))
    }
  }

  #answered(error: ChunkError | undefined): void {
    if (error) this.#fail(error)
    else if (!this.#isDone) this.#fail(new ChunkError('failed', 'the node answered before the chunk was whole'))
    else {
      this.#deps.onAnswer()
      this.#answer.resolve()
      this.#release(aborted())
    }
  }

  #fail(error: ChunkError): void {
    if (this.#failure) return
    this.#answer.reject(error)
    this.#release(error)
    this.#call?.cancel()
  }

  /** Whoever waits is told. */
  #release(error: ChunkError): void {
    this.#failure ??= error
    this.#idle[Symbol.dispose]()
    this.#signal.removeEventListener('abort', this.#onAbort)
    for (const { reject } of this.#unsent) reject(error)
    this.#unsent.clear()
    this.#unwritten = []
  }
}

/** The same bytes in runs of at most `bytesMax`. */
function cut(pieces: readonly Uint8Array[], bytesMax: number): Uint8Array[][] {
  const runs: Uint8Array[][] = []
  let run: Uint8Array[] = []
  let room = bytesMax
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0; ) {
      const head = rest.length > room ? rest.subarray(0, room) : rest
      rest = rest.subarray(head.length)
      run.push(head)
      room -= head.length
      if (room > 0) continue
      runs.push(run)
      run = []
      room = bytesMax
    }
  }
  if (run.length > 0) runs.push(run)
  return runs
}
