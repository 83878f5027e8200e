import { CallError, GrpcCode } from '../base/rpc/grpc-status.ts'
import type { MessageConsumer } from '../base/rpc/message-reader.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import { WIRE_BYTES, WireError, WireReader } from '../base/wire/protobuf.ts'
import { PUT_PAYLOAD_FIELD, type PutFrame, readPutFrame } from '../base/wire/stream-messages.ts'
import { invalid } from './requests.ts'

/** What the messages of a PutChunk call are to whoever stores the chunk. */
export interface PutFrameEvents {
  /** A piece of payload: a view that is good during the call. */
  onPayload(bytes: Buffer): void
  /** Anything else; payload too, where it comes in a form that nobody sends. */
  onFrame(frame: PutFrame): void
  onMalformed(error: Error): void
}

/** The tag of the payload field, and a length of up to 5 bytes. */
const START_BYTES = 6
const PAYLOAD_TAG = (PUT_PAYLOAD_FIELD << 3) | WIRE_BYTES

/**
 * Reads PutChunkRequests as they come. A message that is nothing but payload is passed on piece by piece, never put
 * together; any other is collected.
 */
export class PutFrameReader implements MessageConsumer {
  readonly #events: PutFrameEvents
  #length = 0
  /** The first bytes, until it is known what they begin; then all, if it is not payload. */
  #collected: Buffer = Buffer.alloc(0)
  #collectedBytes = 0
  #form: 'start' | 'payload' | 'collected' | 'refused' = 'start'
  readonly #start = Buffer.alloc(START_BYTES)

  constructor(events: PutFrameEvents) {
    this.#events = events
  }

  begin(length: number): void {
    const bytesMax = wireBounds.messageBytesMax
    if (length > bytesMax) {
      throw new CallError({ code: GrpcCode.resourceExhausted, details: `a message has at most ${bytesMax} bytes` })
    }
    this.#length = length
    this.#form = 'start'
    this.#collected = this.#start
    this.#collectedBytes = 0
  }

  take(bytes: Buffer): void {
    if (this.#form === 'payload') this.#events.onPayload(bytes)
    else if (this.#form !== 'refused') this.#takeCollected(bytes)
  }

  #takeCollected(bytes: Buffer): void {
    const rest = this.#collect(bytes)
    if (this.#form !== 'start' || this.#collectedBytes < Math.min(START_BYTES, this.#length)) return
    this.#decide()
    if (rest.length > 0) this.take(rest)
  }

  end(): void {
    if (this.#form === 'start') this.#decide()
    if (this.#form !== 'collected') return
    let frame: PutFrame
    try {
      frame = readPutFrame(this.#collected.subarray(0, this.#length))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#events.onMalformed(error)
      return
    }
    if (frame.kind !== 'payload') this.#events.onFrame(frame)
    else if (frame.payload.length > wireBounds.pieceBytesMax) this.#events.onMalformed(tooLong())
    else this.#events.onPayload(frame.payload)
  }

  #collect(bytes: Buffer): Buffer {
    const taken = Math.min(bytes.length, this.#collected.length - this.#collectedBytes)
    bytes.copy(this.#collected, this.#collectedBytes, 0, taken)
    this.#collectedBytes += taken
    return bytes.subarray(taken)
  }

  /** By the first bytes of the message. */
  #decide(): void {
    const start = this.#start.subarray(0, this.#collectedBytes)
    const payload = this.#payloadStart(start)
    if (payload === undefined) {
      this.#form = 'collected'
      this.#collected = Buffer.allocUnsafe(this.#length)
      start.copy(this.#collected)
    } else if (this.#length - payload > wireBounds.pieceBytesMax) {
      this.#form = 'refused'
      this.#events.onMalformed(tooLong())
    } else {
      this.#form = 'payload'
      if (start.length > payload) this.#events.onPayload(start.subarray(payload))
    }
  }

  /** Where the payload begins in a message that is nothing else; undefined: it is something else. */
  #payloadStart(start: Buffer): number | undefined {
    if (start[0] !== PAYLOAD_TAG || start.length < 2) return undefined
    try {
      const reader = new WireReader(start, 1)
      const payloadBytes = reader.uint()
      return this.#length - payloadBytes === reader.at ? reader.at : undefined
    } catch {
      return undefined
    }
  }
}

function tooLong(): Error {
  return invalid('a piece of payload is too long')
}
