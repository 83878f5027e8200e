import type { Socket } from 'node:net'
import { headersFrames, writeFrameHeader } from './frame-writer.ts'
import { DEFAULT_FRAME_BYTES_MAX, DEFAULT_WINDOW_BYTES, Flag, FRAME_HEADER_BYTES, FrameType } from './h2-codes.ts'
import type { H2Stream, OnSent, Outgoing } from './h2-stream.ts'

/** Handed to the kernel in one go, at most; and how much may wait in the socket before more is. */
const FLUSH_BYTES = 512 * 1024
const WAITING_BYTES_MAX = 256 * 1024
/** Of one stream, before the next one has its turn. */
const TURN_BYTES = 256 * 1024
/** Smaller pieces are copied behind their frame's header: that costs less than a piece of their own. */
const COPIED_BYTES_MAX = 512
/** So much goes at once: it is still in the processor's cache. Less waits for the end of the turn, and for company. */
const LARGE_BYTES = 16 * 1024
/** Answers to a peer that asks (PING, SETTINGS) and does not read. */
const CONTROL_BYTES_MAX = 1024 * 1024

/**
 * The outgoing half of a connection. What is to be sent in one turn of the event loop goes to the kernel together, in
 * one system call and uncopied; streams take turns; nothing is taken from a stream before the socket has room for it.
 */
export class SendQueue {
  readonly #socket: Socket
  readonly #onFlood: () => void
  #control: Buffer[] = []
  #controlBytes = 0
  #ready: H2Stream[] = []
  #isFlushDue = false
  /** A stream that ends may have others send: what they send must not overtake. */
  #isTaking = false
  window = DEFAULT_WINDOW_BYTES
  frameBytesMax = DEFAULT_FRAME_BYTES_MAX

  constructor(socket: Socket, onFlood: () => void) {
    this.#socket = socket
    this.#onFlood = onFlood
  }

  /** Frames that no window holds up, in order. */
  control(...frames: Buffer[]): void {
    for (const frame of frames) {
      this.#control.push(frame)
      this.#controlBytes += frame.length
    }
    if (this.#controlBytes > CONTROL_BYTES_MAX) this.#onFlood()
    else this.#flushSoon()
  }

  wake(stream: H2Stream): void {
    if (!stream.isQueued) {
      stream.isQueued = true
      this.#ready.push(stream)
    }
    const item = stream.outgoing.at(-1)
    if (item?.kind === 'data' && item.bytesLeft >= LARGE_BYTES) this.flush()
    else this.#flushSoon()
  }

  /** A window has grown. */
  resume(): void {
    if (this.#ready.length > 0) this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#isFlushDue) return
    this.#isFlushDue = true
    setImmediate(() => {
      this.#isFlushDue = false
      this.flush()
    })
  }

  flush(): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded || this.#isTaking) return
    while (socket.writableLength <= WAITING_BYTES_MAX) {
      const batch = this.#take()
      if (batch.pieces.length === 0) return
      this.#write(batch)
    }
  }

  #write({ pieces, sent }: Batch): void {
    const socket = this.#socket
    const last = pieces.length - 1
    if (last > 0) socket.cork()
    for (let i = 0; i < last; i++) socket.write(pieces[i]!)
    socket.write(pieces[last]!, (error) => {
      for (const onSent of sent) onSent(error ?? undefined)
      if (!error) this.flush()
    })
    if (last > 0) socket.uncork()
  }

  #take(): Batch {
    this.#isTaking = true
    const batch: Batch = { pieces: this.#control, bytesLeft: FLUSH_BYTES, sent: [] }
    this.#control = []
    this.#controlBytes = 0
    while (batch.bytesLeft > 0) {
      const stream = this.#ready.shift()
      if (!stream) break
      const outcome = this.#takeTurn(stream, batch)
      if (outcome === 'more') this.#ready.push(stream)
      else if (outcome === 'done') stream.isQueued = false
      else {
        this.#ready.unshift(stream)
        break
      }
    }
    this.#isTaking = false
    return batch
  }

  /** `done`: nothing is left, or the stream's own window is used up (its update wakes it again). */
  #takeTurn(stream: H2Stream, batch: Batch): 'done' | 'more' | 'connection-full' {
    let turnBytes = Math.min(TURN_BYTES, batch.bytesLeft)
    for (;;) {
      const item = stream.outgoing[0]
      if (!item) return 'done'
      if (item.kind === 'headers') {
        batch.pieces.push(...headersFrames(stream.id, item.block, item.endsStream))
        stream.outgoing.shift()
        if (item.endsStream) stream.localEnded()
        continue
      }
      if (item.bytesLeft > 0 && stream.sendWindow <= 0) return 'done'
      if (item.bytesLeft > 0 && this.window <= 0) return 'connection-full'
      if (item.bytesLeft > 0 && turnBytes <= 0) return 'more'
      const bytes = Math.min(item.bytesLeft, stream.sendWindow, this.window, this.frameBytesMax, Math.max(turnBytes, 0))
      this.#cut(stream, item, bytes, batch)
      turnBytes -= bytes
    }
  }

  /** Moves one DATA frame of `bytes` bytes into the batch. */
  #cut(stream: H2Stream, item: Outgoing & { kind: 'data' }, bytes: number, batch: Batch): void {
    stream.sendWindow -= bytes
    this.window -= bytes
    batch.bytesLeft -= bytes
    item.bytesLeft -= bytes
    const isDone = item.bytesLeft === 0
    const flags = isDone && item.endsStream ? Flag.endStream : 0
    pushFrame(batch.pieces, { streamId: stream.id, flags, bytes }, item.pieces)
    if (!isDone) return
    stream.outgoing.shift()
    if (item.onSent) batch.sent.push(item.onSent)
    if (item.endsStream) stream.localEnded()
  }
}

interface Batch {
  pieces: Uint8Array[]
  bytesLeft: number
  /** To be told once all pieces are with the kernel. */
  sent: OnSent[]
}

/** A DATA frame with the next `bytes` of `pieces`, which it takes off them. */
function pushFrame(
  out: Uint8Array[],
  { streamId, flags, bytes }: { streamId: number; flags: number; bytes: number },
  pieces: Uint8Array[],
): void {
  const first = pieces[0]
  const copied = first !== undefined && first.length <= Math.min(COPIED_BYTES_MAX, bytes) ? first.length : 0
  const head = Buffer.allocUnsafe(FRAME_HEADER_BYTES + copied)
  const at = writeFrameHeader(head, 0, { length: bytes, type: FrameType.data, flags, streamId })
  if (copied > 0) {
    head.set(first!, at)
    pieces.shift()
  }
  out.push(head)
  for (let left = bytes - copied; left > 0; ) {
    const piece = pieces[0]!
    if (piece.length <= left) {
      out.push(piece)
      pieces.shift()
      left -= piece.length
    } else {
      out.push(piece.subarray(0, left))
      pieces[0] = piece.subarray(left)
      left = 0
    }
  }
}
