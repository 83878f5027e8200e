import { CallError, GrpcCode } from './grpc-status.ts'

/** Before every message: whether it is compressed, and its length. */
export const MESSAGE_PREFIX_BYTES = 5

/** Gets messages piece by piece. */
export interface MessageConsumer {
  /** A message of that length begins. Throws a CallError to refuse it. */
  begin(length: number): void
  /** The next bytes of it: a view that is good during the call. */
  take(bytes: Buffer): void
  end(): void
}

/** Takes gRPC's length-prefixed messages out of DATA as it comes, however it is cut; copies nothing. */
export class MessageReader {
  readonly #consumer: MessageConsumer
  readonly #prefix = Buffer.alloc(MESSAGE_PREFIX_BYTES)
  #prefixBytes = 0
  #bytesLeft = 0

  constructor(consumer: MessageConsumer) {
    this.#consumer = consumer
  }

  /** Whether the stream may end here. */
  get isBetween(): boolean {
    return this.#prefixBytes === 0
  }

  /** Throws a CallError, for a compressed message and whatever the consumer refuses. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) at = this.#next(bytes, at)
  }

  #next(bytes: Buffer, at: number): number {
    if (this.#prefixBytes < MESSAGE_PREFIX_BYTES) {
      const end = Math.min(bytes.length, at + MESSAGE_PREFIX_BYTES - this.#prefixBytes)
      this.#prefixBytes += bytes.copy(this.#prefix, this.#prefixBytes, at, end)
      if (this.#prefixBytes === MESSAGE_PREFIX_BYTES) this.#begin()
      return end
    }
    const end = Math.min(bytes.length, at + this.#bytesLeft)
    this.#bytesLeft -= end - at
    this.#consumer.take(bytes.subarray(at, end))
    this.#endIfWhole()
    return end
  }

  #begin(): void {
    if (this.#prefix[0] !== 0) {
      throw new CallError({ code: GrpcCode.unimplemented, details: 'compressed messages are not understood here' })
    }
    this.#bytesLeft = this.#prefix.readUInt32BE(1)
    this.#consumer.begin(this.#bytesLeft)
    this.#endIfWhole()
  }

  #endIfWhole(): void {
    if (this.#bytesLeft > 0) return
    this.#prefixBytes = 0
    this.#consumer.end()
  }
}

export interface WholeMessages {
  bytesMax: number
  /** Memory for a message of that length, or more. */
  allocate(bytes: number): Buffer
  onMessage(message: Buffer): void
}

/** Puts messages together, each in memory of its own. Fault: RESOURCE_EXHAUSTED for one beyond `bytesMax`. */
export class MessageCollector implements MessageConsumer {
  readonly #options: WholeMessages
  #message: Buffer = Buffer.alloc(0)
  #length = 0

  constructor(options: WholeMessages) {
    this.#options = options
  }

  begin(length: number): void {
    const { bytesMax, allocate } = this.#options
    if (length > bytesMax) {
      const details = `a message of ${length} bytes: ${bytesMax} at most`
      throw new CallError({ code: GrpcCode.resourceExhausted, details })
    }
    this.#message = allocate(length).subarray(0, length)
    this.#length = 0
  }

  take(bytes: Buffer): void {
    this.#message.set(bytes, this.#length)
    this.#length += bytes.length
  }

  end(): void {
    const message = this.#message
    this.#message = Buffer.alloc(0)
    this.#options.onMessage(message)
  }
}

/** A message's pieces on the wire: its prefix, joined to the first piece where that is small, and the rest as they are. */
export function framed(pieces: readonly Uint8Array[]): Uint8Array[] {
  let length = 0
  for (const piece of pieces) length += piece.length
  const first = pieces[0]
  const joined = first !== undefined && first.length <= JOINED_BYTES_MAX ? first : NOTHING
  const head = Buffer.allocUnsafe(MESSAGE_PREFIX_BYTES + joined.length)
  head[0] = 0
  head.writeUInt32BE(length, 1)
  head.set(joined, MESSAGE_PREFIX_BYTES)
  return [head, ...(joined === first ? pieces.slice(1) : pieces)]
}

const JOINED_BYTES_MAX = 256
const NOTHING = Buffer.alloc(0)
