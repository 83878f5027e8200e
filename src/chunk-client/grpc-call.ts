import { CallError, type CallStatus, GrpcCode, statusOf } from '../base/rpc/grpc-status.ts'
import { H2Code } from '../base/rpc/h2-codes.ts'
import type { H2Connection } from '../base/rpc/h2-connection.ts'
import type { H2Stream, OnSent, StreamEvents } from '../base/rpc/h2-stream.ts'
import { type HeaderList, headerOf } from '../base/rpc/hpack.ts'
import { framed, type MessageConsumer, MessageReader } from '../base/rpc/message-reader.ts'

/** What comes back on a call. */
export interface CallEvents {
  /** The server has let the call in. */
  onAccepted?(): void
  messages: MessageConsumer
  /** After some bytes went to `messages`: the server may send as many more once `consumed` tells so. */
  onTaken(bytes: number): void
  /** Once, at the end, unless the call was cancelled. */
  onStatus(status: CallStatus): void
}

/** A call under way. */
export interface GrpcCall {
  /** One message; its pieces are read until `onSent`, never after. */
  send(pieces: readonly Uint8Array[], onSent?: OnSent): void
  /** No more messages. */
  end(): void
  consumed(bytes: number): void
  /** Nothing more is sent or told. */
  cancel(): void
}

/** undefined: the connection takes no new calls. */
export function openCall(h2: H2Connection, block: Buffer, events: CallEvents): GrpcCall | undefined {
  const response = new Response(events)
  const stream = h2.open(block, response)
  if (!stream) return undefined
  response.stream = stream
  return {
    send: (pieces, onSent) => stream.send(framed(pieces), onSent),
    end: () => stream.end(),
    consumed: (bytes) => stream.consumed(bytes),
    cancel: () => stream.reset(H2Code.cancel),
  }
}

/** In the place of a call that could not be made. */
export function failedCall(events: CallEvents): GrpcCall {
  let isCancelled = false
  const status = { code: GrpcCode.unavailable, details: 'the connection is closed' }
  setImmediate(() => {
    if (!isCancelled) events.onStatus(status)
  })
  return {
    send: (_pieces, onSent) => onSent?.(new CallError(status)),
    end() {},
    consumed() {},
    cancel() {
      isCancelled = true
    },
  }
}

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
class Response implements StreamEvents {
  stream: H2Stream | undefined
  readonly #events: CallEvents
  readonly #messages: MessageReader
  #isAccepted = false
  #status: CallStatus | undefined

  constructor(events: CallEvents) {
    this.#events = events
    this.#messages = new MessageReader(events.messages)
  }

  onHeaders(headers: HeaderList): void {
    const status = statusOf(headers)
    if (status) {
      this.#status = status
      return
    }
    if (this.#isAccepted) return // trailers without a status: told as such at the end
    const http = headerOf(headers, ':status') ?? ''
    if (http.startsWith('1')) return
    if (http !== '200' || !headerOf(headers, 'content-type')?.startsWith('application/grpc')) {
      this.#fail({ code: GrpcCode.unavailable, details: `what answers is no gRPC server: HTTP status ${http}` })
      return
    }
    this.#isAccepted = true
    this.#events.onAccepted?.()
  }

  onData(bytes: Buffer): void {
    try {
      this.#messages.push(bytes)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      this.#fail(error)
      return
    }
    this.#events.onTaken(bytes.length)
  }

  onEnd(): void {
    const broken = { code: GrpcCode.internal, details: 'the answer ended without a status' }
    this.#events.onStatus(this.#status ?? broken)
    // The server is done: what we have not sent, nobody will read.
    this.stream?.reset(H2Code.cancel)
  }

  onReset(code: number | undefined): void {
    const cutOff = code === undefined ? 'the connection was lost' : `the call was cut off (HTTP/2 code ${code})`
    this.#events.onStatus(this.#status ?? { code: GrpcCode.unavailable, details: cutOff })
  }

  #fail(status: CallStatus): void {
    this.stream?.reset(H2Code.cancel)
    this.#events.onStatus(status)
  }
}
