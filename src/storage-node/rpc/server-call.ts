import { CallError, type CallStatus, GrpcCode, OK, statusHeaders } from '../../base/rpc/grpc-status.ts'
import { H2Code } from '../../base/rpc/h2-codes.ts'
import type { H2Stream, OnSent, StreamEvents } from '../../base/rpc/h2-stream.ts'
import { encodeHeaders, type HeaderList, headerOf } from '../../base/rpc/hpack.ts'
import { framed, type MessageConsumer, MessageReader } from '../../base/rpc/message-reader.ts'

const RESPONSE_HEADERS = [
  [':status', '200'],
  ['content-type', 'application/grpc'],
] as const
const RESPONSE_BLOCK = encodeHeaders(RESPONSE_HEADERS)
const OK_BLOCK = encodeHeaders(statusHeaders(OK))

/** Who works on a call. */
export interface CallHandler {
  messages: MessageConsumer
  /** The client has sent all. */
  onEnd(): void
  /** The caller is gone; nothing that is sent reaches anybody. */
  onCancelled(): void
}

/** One gRPC call as the server sees it. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export class ServerCall implements StreamEvents {
  readonly path: string
  readonly #stream: H2Stream
  readonly #headers: HeaderList
  #handler: CallHandler | undefined
  #messages: MessageReader | undefined
  #hasHeaders = false
  #isOver = false
  #isPaused = false
  #owedBytes = 0

  constructor(stream: H2Stream, path: string, headers: HeaderList) {
    this.#stream = stream
    this.#headers = headers
    this.path = path
  }

  /** Answered, or the caller is gone. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Of what the caller sent along, by a name in small letters. */
  header(name: string): string | undefined {
    return headerOf(this.#headers, name)
  }

  start(handler: CallHandler): void {
    this.#handler = handler
    this.#messages = new MessageReader(handler.messages)
  }

  /** The caller may not send more than its window until `resume`. */
  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.#owedBytes > 0) this.#stream.consumed(this.#owedBytes)
    this.#owedBytes = 0
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** Tells the caller that it was let in, before there is anything to answer. */
  accept(): void {
    if (this.#hasHeaders || this.#isOver) return
    this.#hasHeaders = true
    this.#stream.sendHeaders(RESPONSE_BLOCK, false)
  }

  /** One message; its pieces are read until `onSent`, never after. */
  send(pieces: readonly Uint8Array[], onSent?: OnSent): void {
    this.accept()
    this.#stream.send(framed(pieces), onSent)
  }

  /** The last word; a second one is not said. */
  finish(status: CallStatus): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stream.resetWhenSent()
    if (this.#hasHeaders)
      this.#stream.sendHeaders(status === OK ? OK_BLOCK : encodeHeaders(statusHeaders(status)), true)
    else this.#stream.sendHeaders(encodeHeaders([...RESPONSE_HEADERS, ...statusHeaders(status)]), true)
  }

  /** Without a last word: the caller has fallen silent, or asks for what makes no sense. */
  cutOff(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stream.reset(H2Code.cancel)
  }

  onHeaders(): void {
    // Trailers of a request: gRPC has none.
  }

  onData(bytes: Buffer): void {
    if (this.#isOver) return
    try {
      this.#messages!.push(bytes)
    } catch (error) {
      if (!(error instanceof CallError)) throw error
      this.#refuse(error)
      return
    }
    this.#owedBytes += bytes.length
    if (!this.#isPaused) this.resume()
  }

  onEnd(): void {
    if (this.#isOver) return
    if (this.#messages!.isBetween) this.#handler!.onEnd()
    else this.#refuse({ code: GrpcCode.invalidArgument, details: 'the call ended inside of a message' })
  }

  onReset(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#handler?.onCancelled()
  }

  #refuse(status: CallStatus): void {
    this.finish(status)
    this.#handler!.onCancelled()
  }
}

/** The head of a call that is answered before it begins. */
export function refuseCall(stream: H2Stream, headers: HeaderList): void {
  stream.resetWhenSent()
  stream.sendHeaders(encodeHeaders(headers), true)
}
