import { DEFAULT_WINDOW_BYTES, H2Code, H2Error, WINDOW_BYTES_MAX } from './h2-codes.ts'
import type { HeaderList } from './hpack.ts'

/** What comes in on a stream, in order. After `onReset` nothing more comes. */
export interface StreamEvents {
  onHeaders(headers: HeaderList): void
  /** A view that is good during the call. Whoever takes it answers with `consumed`, sooner or later. */
  onData(bytes: Buffer): void
  /** The other side is done. */
  onEnd(): void
  /** Cut off: by the other side with a code of HTTP/2, or with the connection (no code). */
  onReset(code: number | undefined): void
}

/** Told when bytes were handed to the kernel, so that their memory may be reused; with an error when they never were. */
export type OnSent = (error: Error | undefined) => void

/** What waits to be sent on a stream: bytes of DATA, or a header block. */
export type Outgoing =
  | { kind: 'data'; pieces: Uint8Array[]; bytesLeft: number; onSent: OnSent | undefined; endsStream: boolean }
  | { kind: 'headers'; block: Buffer; endsStream: boolean }

/** The connection, as a stream sees it. */
export interface StreamHost {
  /** Something waits to be sent. */
  wake(stream: H2Stream): void
  sendWindowUpdate(streamId: number, bytes: number): void
  sendReset(streamId: number, code: H2Code): void
  forget(stream: H2Stream): void
}

/** One stream of a connection: both its queues, both its windows (RFC 9113, section 5). */
export class H2Stream {
  readonly id: number
  events: StreamEvents
  readonly #host: StreamHost
  /** What we may still send. */
  sendWindow: number
  readonly outgoing: Outgoing[] = []
  /** Known to the connection's queue of those that can send. */
  isQueued = false
  #isLocalDone = false
  #isRemoteDone = false
  #isOver = false
  readonly #receiveWindowBytes: number
  #receiveWindow: number
  /** Taken by the reader, and not told to the sender yet. */
  #credit = 0
  #resetsWhenSent = false

  constructor(
    host: StreamHost,
    stream: { id: number; events: StreamEvents; sendWindow: number; receiveWindowBytes: number },
  ) {
    this.#host = host
    this.id = stream.id
    this.events = stream.events
    this.sendWindow = stream.sendWindow
    this.#receiveWindowBytes = stream.receiveWindowBytes
    // Until our SETTINGS are acknowledged, the sender goes by the default; a larger grant harms nobody.
    this.#receiveWindow = Math.max(stream.receiveWindowBytes, DEFAULT_WINDOW_BYTES)
  }

  /** Nothing goes in or out any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether the other side may still send. */
  get isRemoteDone(): boolean {
    return this.#isRemoteDone
  }

  /** The pieces are read until `onSent`, never after. */
  send(pieces: Uint8Array[], onSent?: OnSent): void {
    if (this.#isOver || this.#isLocalDone) {
      onSent?.(new Error('the stream is over'))
      return
    }
    let bytesLeft = 0
    for (const piece of pieces) bytesLeft += piece.length
    this.outgoing.push({ kind: 'data', pieces, bytesLeft, onSent, endsStream: false })
    this.#host.wake(this)
  }

  sendHeaders(block: Buffer, endsStream: boolean): void {
    if (this.#isOver || this.#isLocalDone) return
    if (endsStream) this.#isLocalDone = true
    this.outgoing.push({ kind: 'headers', block, endsStream })
    this.#host.wake(this)
  }

  /** No more data from this side. */
  end(): void {
    if (this.#isOver || this.#isLocalDone) return
    this.#isLocalDone = true
    this.outgoing.push({ kind: 'data', pieces: [], bytesLeft: 0, onSent: undefined, endsStream: true })
    this.#host.wake(this)
  }

  /** So many bytes given to `onData` are dealt with: the sender may send as many more. */
  consumed(bytes: number): void {
    if (this.#isOver || this.#isRemoteDone) return
    this.#credit += bytes
    if (this.#credit < this.#receiveWindowBytes / 2) return
    this.#receiveWindow += this.#credit
    this.#host.sendWindowUpdate(this.id, this.#credit)
    this.#credit = 0
  }

  /** Cuts the stream off, unless it is over. Its own events are not told. */
  reset(code: H2Code): void {
    if (this.#isOver) return
    this.#host.sendReset(this.id, code)
    this.close(new Error('the stream was given up'))
  }

  /** Once this side's end is out, the other side is told to send no more (RFC 9113, section 8.1). */
  resetWhenSent(): void {
    this.#resetsWhenSent = true
  }

  /** By the connection: everything that was to be sent is out. */
  localEnded(): void {
    if (this.#isRemoteDone) this.close(undefined)
    else if (this.#resetsWhenSent) this.reset(H2Code.noError)
  }

  receiveHeaders(headers: HeaderList, endsStream: boolean): void {
    if (this.#isRemoteDone) throw new H2Error(H2Code.streamClosed, 'HEADERS behind the end of a stream')
    this.events.onHeaders(headers)
    if (endsStream) this.#receiveEnd()
  }

  receiveData(bytes: Buffer, paddingBytes: number, endsStream: boolean): void {
    if (this.#isRemoteDone) throw new H2Error(H2Code.streamClosed, 'DATA behind the end of a stream')
    this.#receiveWindow -= bytes.length + paddingBytes
    if (this.#receiveWindow < 0) throw new H2Error(H2Code.flowControlError, 'more DATA than the window of the stream')
    if (paddingBytes > 0) this.consumed(paddingBytes)
    if (bytes.length > 0) this.events.onData(bytes)
    if (endsStream && !this.#isOver) this.#receiveEnd()
  }

  receiveWindowUpdate(bytes: number): void {
    this.sendWindow += bytes
    if (this.sendWindow > WINDOW_BYTES_MAX) throw new H2Error(H2Code.flowControlError, 'a window beyond 2^31')
    if (this.outgoing.length > 0) this.#host.wake(this)
  }

  receiveReset(code: number | undefined): void {
    if (this.#isOver) return
    this.close(new Error('the stream was cut off'))
    this.events.onReset(code)
  }

  /** Lets go of what was to be sent. */
  close(error: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#host.forget(this)
    for (const item of this.outgoing.splice(0)) if (item.kind === 'data') item.onSent?.(error)
  }

  #receiveEnd(): void {
    this.#isRemoteDone = true
    this.events.onEnd()
    if (this.#isLocalDone && this.outgoing.length === 0 && !this.#isOver) this.close(undefined)
  }
}
