import type { Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import { type DataPiece, FrameReader, type WholeFrame, withoutPadding } from './frame-reader.ts'
import {
  goAwayFrame,
  headersFrames,
  type LocalSettings,
  pingFrame,
  rstStreamFrame,
  settingsAckFrame,
  settingsFrame,
  windowUpdateFrame,
} from './frame-writer.ts'
import {
  DEFAULT_FRAME_BYTES_MAX,
  DEFAULT_WINDOW_BYTES,
  Flag,
  FRAME_BYTES_MAX,
  FrameType,
  H2Code,
  H2Error,
  PREFACE,
  Setting,
  WINDOW_BYTES_MAX,
} from './h2-codes.ts'
import { H2Stream, type StreamEvents, type StreamHost } from './h2-stream.ts'
import { type HeaderList, HpackDecoder } from './hpack.ts'
import { SendQueue } from './send-queue.ts'

export interface H2Settings extends LocalSettings {
  /** What all streams together may send ahead; freed on arrival, so it bounds only what is on the way. */
  connectionWindowBytes: number
  /** A connection that is quiet for so long is asked whether it is alive, … */
  keepaliveMs: number
  /** … and dropped when it does not answer for so long. */
  keepaliveTimeoutMs: number
}

export interface H2Deps {
  socket: Socket
  clock: Clock
  settings: H2Settings
  /** Servers only: a stream begins. Answers what is to hear of it. */
  onStream?(stream: H2Stream, headers: HeaderList, endsStream: boolean): StreamEvents
  /** The other side has answered for the first time: it speaks HTTP/2. */
  onReady?(): void
  /** Called once; all streams were told before. */
  onEnd(error: Error): void
}

const FRAME_OTHER_BYTES_MAX = 64 * 1024
const PING = Buffer.from('sextant?')

/**
 * One HTTP/2 connection, either side (RFC 9113): frames, settings, windows, streams. Reading never waits for writing:
 * what a stream's reader does not take is held up by its window, at its sender.
 */
export class H2Connection implements StreamHost {
  readonly #deps: H2Deps
  readonly #isServer: boolean
  readonly #frames: FrameReader
  readonly #hpack: HpackDecoder
  readonly #queue: SendQueue
  readonly #streams = new Map<number, H2Stream>()
  #nextId = 1
  #lastPeerId = 0
  #prefaceLeft: number
  #isReady = false
  #isGoingAway = false
  #isOver = false
  #peerStreamWindow = DEFAULT_WINDOW_BYTES
  #receivedBytes = 0
  /** A header block that is not whole: CONTINUATION must follow. */
  #block: { streamId: number; flags: number; pieces: Buffer[]; bytes: number } | undefined
  #lastHeardMs: number
  #keepalive: Disposable | undefined

  constructor(deps: H2Deps) {
    this.#deps = deps
    const { socket, settings, clock } = deps
    this.#isServer = deps.onStream !== undefined
    this.#prefaceLeft = this.#isServer ? PREFACE.length : 0
    this.#frames = new FrameReader(
      { onData: (data) => this.#onData(data), onFrame: (frame) => this.#onFrame(frame) },
      { dataBytesMax: settings.frameBytesMax, otherBytesMax: FRAME_OTHER_BYTES_MAX },
    )
    this.#hpack = new HpackDecoder(settings.headerListBytesMax)
    this.#queue = new SendQueue(socket, () =>
      this.destroy(new H2Error(H2Code.enhanceYourCalm, 'the other side asks and does not read')),
    )
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.destroy(new Error('the connection was closed')))
    socket.on('end', () => this.destroy(new Error('the other side closed the connection')))
    if (!this.#isServer) this.#queue.control(PREFACE)
    this.#queue.control(
      settingsFrame(settings),
      windowUpdateFrame(0, settings.connectionWindowBytes - DEFAULT_WINDOW_BYTES),
    )
    this.#lastHeardMs = clock.nowMs()
    this.#keepalive = clock.after(settings.keepaliveMs, () => this.#askIfAlive())
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get streamCount(): number {
    return this.#streams.size
  }

  /** Bytes as they come from the socket; nothing of them is kept. */
  receive(bytes: Buffer): void {
    if (this.#isOver) return
    this.#lastHeardMs = this.#deps.clock.nowMs()
    try {
      const rest = this.#prefaceLeft > 0 ? this.#takePreface(bytes) : bytes
      if (rest.length > 0) this.#frames.push(rest)
    } catch (error) {
      if (!(error instanceof H2Error)) throw error
      this.#fail(error)
    }
  }

  /** Clients: a new stream; undefined when the connection takes none any more. */
  open(block: Buffer, events: StreamEvents): H2Stream | undefined {
    if (this.#isOver || this.#isGoingAway || this.#nextId > WINDOW_BYTES_MAX) return undefined
    const stream = this.#makeStream(this.#nextId, events)
    this.#nextId += 2
    this.#queue.control(...headersFrames(stream.id, block, false))
    return stream
  }

  /** No new streams; those under way go on. */
  goAway(): void {
    if (this.#isOver || this.#isGoingAway) return
    this.#isGoingAway = true
    this.#queue.control(goAwayFrame(this.#lastPeerId, H2Code.noError))
    if (this.#streams.size === 0) this.#endGracefully()
  }

  /** At once. Every stream is told, then `onEnd`. */
  destroy(error: Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#keepalive?.[Symbol.dispose]()
    this.#deps.socket.destroy()
    for (const stream of [...this.#streams.values()]) stream.receiveReset(undefined)
    this.#deps.onEnd(error)
  }

  wake(stream: H2Stream): void {
    this.#queue.wake(stream)
  }

  sendWindowUpdate(streamId: number, bytes: number): void {
    this.#queue.control(windowUpdateFrame(streamId, bytes))
  }

  sendReset(streamId: number, code: H2Code): void {
    this.#queue.control(rstStreamFrame(streamId, code))
  }

  forget(stream: H2Stream): void {
    this.#streams.delete(stream.id)
    if (this.#isGoingAway && this.#streams.size === 0) this.#endGracefully()
  }

  #endGracefully(): void {
    setImmediate(() => {
      if (this.#isOver || this.#streams.size > 0) return
      this.#queue.flush()
      this.#deps.socket.destroySoon()
    })
  }

  #makeStream(id: number, events: StreamEvents): H2Stream {
    const { streamWindowBytes } = this.#deps.settings
    const windows = { sendWindow: this.#peerStreamWindow, receiveWindowBytes: streamWindowBytes }
    const stream = new H2Stream(this, { id, events, ...windows })
    this.#streams.set(id, stream)
    return stream
  }

  #fail(error: H2Error): void {
    if (this.#isOver) return
    this.#queue.control(goAwayFrame(this.#lastPeerId, error.code))
    this.#queue.flush()
    this.destroy(error)
  }

  #takePreface(bytes: Buffer): Buffer {
    const start = PREFACE.length - this.#prefaceLeft
    const seen = Math.min(bytes.length, this.#prefaceLeft)
    if (!bytes.subarray(0, seen).equals(PREFACE.subarray(start, start + seen))) {
      throw new H2Error(H2Code.protocolError, 'the connection does not begin as HTTP/2 does')
    }
    this.#prefaceLeft -= seen
    return bytes.subarray(seen)
  }

  #onData({ streamId, bytes, paddingBytes, endsStream }: DataPiece): void {
    this.#refuseInsideBlock()
    this.#receivedBytes += bytes.length + paddingBytes
    if (this.#receivedBytes >= this.#deps.settings.connectionWindowBytes / 2) {
      this.sendWindowUpdate(0, this.#receivedBytes)
      this.#receivedBytes = 0
    }
    const stream = this.#streams.get(streamId)
    if (stream) stream.receiveData(bytes, paddingBytes, endsStream)
    else this.#assertWasOpen(streamId)
  }

  #onFrame(frame: WholeFrame): void {
    if (frame.type !== FrameType.continuation) this.#refuseInsideBlock()
    if (frame.type === FrameType.headers) this.#onHeaders(frame)
    else if (frame.type === FrameType.continuation) this.#onContinuation(frame)
    else if (frame.type === FrameType.settings) this.#onSettings(frame)
    else if (frame.type === FrameType.windowUpdate) this.#onWindowUpdate(frame)
    else if (frame.type === FrameType.rstStream) this.#onReset(frame)
    else if (frame.type === FrameType.ping) this.#onPing(frame)
    else if (frame.type === FrameType.goAway) this.#onGoAway()
    else if (frame.type === FrameType.pushPromise) throw new H2Error(H2Code.protocolError, 'nobody asked for a push')
  }

  #refuseInsideBlock(): void {
    if (this.#block) throw new H2Error(H2Code.protocolError, 'a header block is broken into')
  }

  #onHeaders({ flags, streamId, payload }: WholeFrame): void {
    if (streamId === 0) throw new H2Error(H2Code.protocolError, 'HEADERS without a stream')
    let block = flags & Flag.padded ? withoutPadding(payload) : payload
    if (flags & Flag.priority) block = block.subarray(5)
    this.#block = { streamId, flags, pieces: [Buffer.from(block)], bytes: block.length }
    if (flags & Flag.endHeaders) this.#endBlock()
  }

  #onContinuation({ flags, streamId, payload }: WholeFrame): void {
    const block = this.#block
    if (block?.streamId !== streamId) throw new H2Error(H2Code.protocolError, 'CONTINUATION of nothing')
    block.pieces.push(Buffer.from(payload))
    block.bytes += payload.length
    // An empty one counts too: nobody needs many.
    if (block.bytes > this.#deps.settings.headerListBytesMax || block.pieces.length > 64) {
      throw new H2Error(H2Code.enhanceYourCalm, 'too many headers')
    }
    if (flags & Flag.endHeaders) this.#endBlock()
  }

  #endBlock(): void {
    const { streamId, flags, pieces } = this.#block!
    this.#block = undefined
    const headers = this.#hpack.decode(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
    const endsStream = (flags & Flag.endStream) !== 0
    const known = this.#streams.get(streamId)
    if (known) known.receiveHeaders(headers, endsStream)
    else if (this.#isServer && streamId > this.#lastPeerId) this.#startStream(streamId, headers, endsStream)
    else this.#assertWasOpen(streamId)
  }

  #startStream(streamId: number, headers: HeaderList, endsStream: boolean): void {
    if (streamId % 2 === 0) throw new H2Error(H2Code.protocolError, 'a client’s streams have odd numbers')
    this.#lastPeerId = streamId
    if (this.#isGoingAway || this.#streams.size >= this.#deps.settings.streamsMax) {
      this.sendReset(streamId, H2Code.refusedStream)
      return
    }
    const stream = this.#makeStream(streamId, NOBODY)
    stream.events = this.#deps.onStream!(stream, headers, endsStream)
    if (endsStream && !stream.isOver) stream.receiveData(NOTHING, 0, true)
  }

  #onSettings({ flags, payload }: WholeFrame): void {
    if (flags & Flag.ack) return
    if (payload.length % 6 !== 0) throw new H2Error(H2Code.frameSizeError, 'SETTINGS of a broken length')
    for (let at = 0; at < payload.length; at += 6) this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
    this.#queue.control(settingsAckFrame())
    if (this.#isReady) return
    this.#isReady = true
    this.#deps.onReady?.()
  }

  #set(setting: number, value: number): void {
    if (setting === Setting.maxFrameSize) {
      if (value < DEFAULT_FRAME_BYTES_MAX || value > FRAME_BYTES_MAX) {
        throw new H2Error(H2Code.protocolError, 'a frame size that may not be')
      }
      this.#queue.frameBytesMax = value
    }
    if (setting !== Setting.initialWindowSize) return
    if (value > WINDOW_BYTES_MAX) throw new H2Error(H2Code.flowControlError, 'a window beyond 2^31')
    const growth = value - this.#peerStreamWindow
    this.#peerStreamWindow = value
    for (const stream of this.#streams.values()) stream.receiveWindowUpdate(growth)
  }

  #onWindowUpdate({ streamId, payload }: WholeFrame): void {
    if (payload.length !== 4) throw new H2Error(H2Code.frameSizeError, 'WINDOW_UPDATE of a broken length')
    const bytes = payload.readUInt32BE(0) & 0x7fff_ffff
    if (bytes === 0) throw new H2Error(H2Code.protocolError, 'WINDOW_UPDATE by nothing')
    if (streamId !== 0) {
      this.#streams.get(streamId)?.receiveWindowUpdate(bytes)
      return
    }
    this.#queue.window += bytes
    if (this.#queue.window > WINDOW_BYTES_MAX) throw new H2Error(H2Code.flowControlError, 'a window beyond 2^31')
    this.#queue.resume()
  }

  #onReset({ streamId, payload }: WholeFrame): void {
    if (payload.length !== 4) throw new H2Error(H2Code.frameSizeError, 'RST_STREAM of a broken length')
    this.#streams.get(streamId)?.receiveReset(payload.readUInt32BE(0))
  }

  #onPing({ flags, payload }: WholeFrame): void {
    if (payload.length !== 8) throw new H2Error(H2Code.frameSizeError, 'PING of a broken length')
    if (!(flags & Flag.ack)) this.#queue.control(pingFrame(payload, true))
  }

  #onGoAway(): void {
    this.#isGoingAway = true
    if (this.#streams.size === 0) this.#endGracefully()
  }

  /** Frames that cross with a reset are fine; those of streams that never were are not. */
  #assertWasOpen(streamId: number): void {
    const last = this.#isServer ? this.#lastPeerId : this.#nextId - 2
    if (streamId > last || streamId % 2 === 0) throw new H2Error(H2Code.protocolError, 'a stream that never was')
  }

  #askIfAlive(): void {
    const { clock, settings } = this.#deps
    const quietMs = clock.nowMs() - this.#lastHeardMs
    if (quietMs < settings.keepaliveMs) {
      this.#keepalive = clock.after(settings.keepaliveMs - quietMs, () => this.#askIfAlive())
      return
    }
    const askedMs = clock.nowMs()
    this.#queue.control(pingFrame(PING, false))
    this.#keepalive = clock.after(settings.keepaliveTimeoutMs, () => {
      if (this.#lastHeardMs < askedMs) this.destroy(new Error(`the other side was silent for ${quietMs} ms and more`))
      else this.#askIfAlive()
    })
  }
}

const NOTHING = Buffer.alloc(0)
const NOBODY: StreamEvents = { onHeaders() {}, onData() {}, onEnd() {}, onReset() {} }
