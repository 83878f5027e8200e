import type { Client, ClientWritableStream, Metadata, ServiceError } from '@grpc/grpc-js'
import type { Clock } from '../base/clock.ts'
import { ChunkError } from '../base/faults.ts'
import { IdleTimer } from '../base/idle-timer.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { WireHeader } from '../base/wire/chunk-fields.ts'
import type { GatheredField } from '../base/wire/gather.ts'
import { putHeaderMessage, putPayloadMessage, putTrailerMessage } from '../base/wire/stream-messages.ts'
import type { ChunkTrailer, ChunkWriter } from '../engine/ports/chunk-store.ts'
import { aborted, fromServiceError, unreachable } from './errors.ts'
import { toWireTrailer } from './labels.ts'
import { bulkMethods } from './methods.ts'

export interface PutStreamDeps {
  clock: Clock
  idleMs: number
  onAnswer(): void
  onTimeout(waitedMs: number): void
  /** Connects; rejects with a ChunkError. */
  connect(): Promise<{ client: Client; metadata: Metadata }>
}

interface Unsent {
  message: GatheredField
  resolve(): void
  reject(error: ChunkError): void
}

/**
 * One large chunk on its way. A message is copied into grpc-js's frame when the one before it has left for the socket
 * (a stream writes one at a time, and grpc-js keeps none for retries: src/chunk-client/channel.ts), so at most one of
 * `pieceBytesMax` is held. A write resolves when its bytes have left: at the speed of the node's disk, and with nothing
 * of them in memory.
 */
export class PutStream implements ChunkWriter {
  #deps: PutStreamDeps
  #signal: AbortSignal
  #stream: ClientWritableStream<GatheredField> | undefined
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
    this.#queue({ message: putHeaderMessage(header), resolve: () => {}, reject: () => {} })
    if (signal.aborted) this.#onAbort()
    else void this.#open()
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    await Promise.all(cut(pieces, wireBounds.pieceBytesMax).map((part) => this.#writeMessage(part)))
  }

  async finish(trailer: ChunkTrailer): Promise<void> {
    if (this.#failure) throw this.#failure
    this.#queue({ message: putTrailerMessage(toWireTrailer(trailer)), resolve: () => {}, reject: () => {} })
    this.#isDone = true
    if (this.#unwritten.length === 0) this.#stream?.end()
    this.#idle.begin()
    await this.#answer.promise
  }

  abort(): void {
    this.#fail(aborted())
  }

  #writeMessage(pieces: readonly Uint8Array[]): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const entry: Unsent = { message: putPayloadMessage(pieces), resolve, reject }
    this.#unsent.add(entry)
    this.#queue(entry)
    return promise
  }

  #queue(entry: Unsent): void {
    if (this.#stream) this.#send(this.#stream, entry)
    else this.#unwritten.push(entry)
  }

  #send(stream: ClientWritableStream<GatheredField>, entry: Unsent): void {
    this.#idle.begin()
    stream.write(entry.message, (error: Error | null | undefined) => {
      this.#idle.end()
      if (error) return // told to the callback of the call
      this.#unsent.delete(entry)
      entry.resolve()
    })
  }

  async #open(): Promise<void> {
    try {
      const { client, metadata } = await this.#deps.connect()
      if (this.#failure) return
      const { path, serialize, deserialize } = bulkMethods.putChunk
      const stream = client.makeClientStreamRequest(
        path,
        serialize,
        deserialize,
        metadata,
        (error: ServiceError | null) => this.#answered(error),
      )
      stream.on('error', () => {}) // told to the callback
      this.#stream = stream
      for (const entry of this.#unwritten) this.#send(stream, entry)
      this.#unwritten = []
      if (this.#isDone) stream.end()
    } catch (error) {
      this.#fail(fromServiceError(error))
    }
  }

  #answered(error: ServiceError | null): void {
    if (error) this.#fail(fromServiceError(error))
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
    this.#stream?.cancel()
  }

  /** Whoever waits is told; from here on no caller's bytes are read. */
  #release(error: ChunkError): void {
    this.#failure = error
    this.#idle[Symbol.dispose]()
    this.#signal.removeEventListener('abort', this.#onAbort)
    for (const { message, reject } of this.#unsent) {
      message.drop()
      reject(error)
    }
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
