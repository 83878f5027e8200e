import { presentFieldBytes, writeLength } from './protobuf.ts'

/**
 * A message that writes itself into the frame that the transport allots for it: header fields and payload pieces are
 * copied once, straight into place. It has the three members of a Buffer that @grpc/grpc-js touches
 * (test/base/gather.test.ts pins them): the client reads `length`, the server `byteLength`, and both call
 * `copy(frame, 5)` in the same turn.
 */
export interface Gather {
  readonly length: number
  readonly byteLength: number
  /** Answers the bytes written. */
  copy(target: Uint8Array, offset: number): number
}

/** A Gather of one `bytes` field, whose value is the pieces one after the other. */
export class GatheredField implements Gather {
  #field: number
  #pieces: readonly Uint8Array[]
  #payloadBytes: number
  #onCopied: (() => void) | undefined

  constructor(field: number, pieces: readonly Uint8Array[], onCopied?: () => void) {
    this.#field = field
    this.#pieces = pieces
    this.#payloadBytes = totalBytes(pieces)
    this.#onCopied = onCopied
  }

  get length(): number {
    return presentFieldBytes(this.#payloadBytes)
  }

  get byteLength(): number {
    return this.length
  }

  copy(target: Uint8Array, offset: number): number {
    const length = this.length
    const start = writeLength(target, offset, this.#field, this.#payloadBytes)
    writePieces(target, start, this.#pieces)
    this.drop()
    this.#onCopied?.()
    return length
  }

  /** Forgets the pieces: from here on they are not read, whatever becomes of the message. */
  drop(): void {
    this.#pieces = []
    this.#payloadBytes = 0
  }
}

export function totalBytes(pieces: readonly Uint8Array[]): number {
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  return bytes
}

export function writePieces(target: Uint8Array, at: number, pieces: readonly Uint8Array[]): number {
  let end = at
  for (const piece of pieces) {
    target.set(piece, end)
    end += piece.length
  }
  return end
}
