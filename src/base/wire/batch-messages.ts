import {
  headerBytes,
  rangeBytes,
  readHeader,
  readRange,
  readTrailer,
  trailerBytes,
  type WireHeader,
  type WireRange,
  type WireTrailer,
  writeHeader,
  writeRange,
  writeTrailer,
} from './chunk-fields.ts'
import { Gatherer, passedBytes, totalBytes } from './gather.ts'
import {
  bytesFieldBytes,
  presentFieldBytes,
  uintFieldBytes,
  WIRE_BYTES,
  WIRE_VARINT,
  WireError,
  WireReader,
  writeBytesField,
  writeLength,
  writeUintField,
} from './protobuf.ts'

export interface WirePut {
  header: WireHeader
  trailer: WireTrailer
  pieces: readonly Uint8Array[]
}

/** A BatchCall as it is received; neither put nor get for a kind that is not known here. */
export interface ReceivedCall {
  callId: number
  put: { header: WireHeader | undefined; trailer: WireTrailer | undefined; payload: Buffer } | undefined
  get: WireRange | undefined
  /** Undefined: it belongs to no trace. */
  traceparent: string | undefined
}

/** BatchReply; `status` is a ChunkStatus. */
export interface WireReply {
  callId: number
  status: number
  payload: Uint8Array
  message: string
}

const NOTHING = Buffer.alloc(0)

/** A BatchCall on its way out. It may be withdrawn until its message is gathered. */
export class OutgoingCall {
  readonly callId: number
  /** Of the whole BatchCall. */
  readonly bytes: number
  isWithdrawn = false
  #put: (WirePut & { bytes: number; headerBytes: number; trailerBytes: number; payloadBytes: number }) | undefined
  #get: (WireRange & { bytes: number }) | undefined
  readonly #traceparent: Buffer | undefined

  constructor(callId: number, call: { put: WirePut } | { get: WireRange }, traceparent?: string) {
    this.callId = callId
    this.#traceparent = traceparent === undefined ? undefined : Buffer.from(traceparent)
    const commonBytes = uintFieldBytes(callId) + bytesFieldBytes(this.#traceparent?.length ?? 0)
    if ('put' in call) {
      const { header, trailer, pieces } = call.put
      const sizes = {
        headerBytes: headerBytes(header),
        trailerBytes: trailerBytes(trailer),
        payloadBytes: totalBytes(pieces),
      }
      const bytes =
        presentFieldBytes(sizes.headerBytes) +
        presentFieldBytes(sizes.trailerBytes) +
        bytesFieldBytes(sizes.payloadBytes)
      this.#put = { header, trailer, pieces, ...sizes, bytes }
      this.bytes = commonBytes + presentFieldBytes(bytes)
    } else {
      const bytes = rangeBytes(call.get)
      this.#get = { ...call.get, bytes }
      this.bytes = commonBytes + presentFieldBytes(bytes)
    }
  }

  /** Of `bytes`, what is not copied when the message is gathered. */
  get passedBytes(): number {
    return this.#put ? passedBytes(this.#put.pieces) : 0
  }

  /** Leaves the call out of a message that is not gathered yet. */
  withdraw(): void {
    this.isWithdrawn = true
    this.#put = undefined
    this.#get = undefined
  }

  write(into: Gatherer): void {
    const { scratch } = into
    let end = writeUintField(scratch, into.at, 1, this.callId)
    if (this.#put) {
      const put = this.#put
      end = writeLength(scratch, end, 2, put.bytes)
      end = writeHeader(scratch, writeLength(scratch, end, 1, put.headerBytes), put.header)
      end = writeTrailer(scratch, writeLength(scratch, end, 2, put.trailerBytes), put.trailer)
      into.at = put.payloadBytes === 0 ? end : writeLength(scratch, end, 3, put.payloadBytes)
      into.pass(put.pieces)
    } else {
      if (!this.#get) throw new Error('assertion failed: a withdrawn call is not written')
      end = writeLength(scratch, end, 3, this.#get.bytes)
      into.at = writeRange(scratch, end, this.#get)
    }
    if (this.#traceparent) into.at = writeBytesField(scratch, into.at, 4, this.#traceparent)
  }
}

/** The pieces of a BatchRequest of those calls that are not withdrawn. */
export function batchRequestMessage(calls: readonly OutgoingCall[]): Uint8Array[] {
  const wanted = calls.filter((call) => !call.isWithdrawn)
  let scratchBytes = 0
  for (const call of wanted) scratchBytes += presentFieldBytes(call.bytes) - call.passedBytes
  const gatherer = new Gatherer(scratchBytes)
  for (const call of wanted) {
    gatherer.at = writeLength(gatherer.scratch, gatherer.at, 1, call.bytes)
    call.write(gatherer)
  }
  return gatherer.finish()
}

/** BatchRequest; its buffers are views of `bytes`. Throws WireError, also for more than `callsMax` calls. */
export function readBatchRequest(bytes: Buffer, callsMax: number): ReceivedCall[] {
  const reader = new WireReader(bytes)
  const calls: ReceivedCall[] = []
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_BYTES) calls.push(readCall(reader.message()))
    else reader.skip()
    if (calls.length > callsMax) throw new WireError(`more than ${callsMax} calls`)
  }
  return calls
}

function readCall(reader: WireReader): ReceivedCall {
  const call: ReceivedCall = { callId: 0, put: undefined, get: undefined, traceparent: undefined }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_VARINT) call.callId = reader.uint32()
    else if (field === 2 && reader.wire === WIRE_BYTES) {
      call.put = readPut(reader.message())
      call.get = undefined
    } else if (field === 3 && reader.wire === WIRE_BYTES) {
      call.get = readRange(reader.message())
      call.put = undefined
    } else if (field === 4 && reader.wire === WIRE_BYTES) call.traceparent = reader.string()
    else reader.skip()
  }
  return call
}

function readPut(reader: WireReader): NonNullable<ReceivedCall['put']> {
  const put: NonNullable<ReceivedCall['put']> = { header: undefined, trailer: undefined, payload: NOTHING }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (reader.wire !== WIRE_BYTES) reader.skip()
    else if (field === 1) put.header = readHeader(reader.message())
    else if (field === 2) put.trailer = readTrailer(reader.message())
    else if (field === 3) put.payload = reader.bytes()
    else reader.skip()
  }
  return put
}

/** The pieces of a BatchResponse. */
export function batchResponseMessage(replies: readonly WireReply[]): Uint8Array[] {
  let scratchBytes = 0
  for (const reply of replies) scratchBytes += presentFieldBytes(replyBytes(reply)) - passedBytes([reply.payload])
  const gatherer = new Gatherer(scratchBytes)
  const { scratch } = gatherer
  for (const reply of replies) {
    let end = writeLength(scratch, gatherer.at, 1, replyBytes(reply))
    end = writeUintField(scratch, end, 1, reply.callId)
    end = writeUintField(scratch, end, 2, reply.status)
    gatherer.at = reply.payload.length === 0 ? end : writeLength(scratch, end, 3, reply.payload.length)
    gatherer.pass([reply.payload])
    if (reply.message === '') continue
    gatherer.at = writeBytesField(scratch, gatherer.at, 4, Buffer.from(reply.message))
  }
  return gatherer.finish()
}

function replyBytes(reply: WireReply): number {
  const { message } = reply
  return (
    uintFieldBytes(reply.callId) +
    uintFieldBytes(reply.status) +
    bytesFieldBytes(reply.payload.length) +
    (message === '' ? 0 : bytesFieldBytes(Buffer.byteLength(message)))
  )
}

/** BatchResponse; payloads are views of `bytes`. Throws WireError. */
export function readBatchResponse(bytes: Buffer): WireReply[] {
  const reader = new WireReader(bytes)
  const replies: WireReply[] = []
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_BYTES) replies.push(readReply(reader.message()))
    else reader.skip()
  }
  return replies
}

function readReply(reader: WireReader): WireReply {
  const reply: WireReply = { callId: 0, status: 0, payload: NOTHING, message: '' }
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1 && reader.wire === WIRE_VARINT) reply.callId = reader.uint32()
    else if (field === 2 && reader.wire === WIRE_VARINT) reply.status = reader.uint32()
    else if (field === 3 && reader.wire === WIRE_BYTES) reply.payload = reader.bytes()
    else if (field === 4 && reader.wire === WIRE_BYTES) reply.message = reader.string()
    else reader.skip()
  }
  return reply
}
