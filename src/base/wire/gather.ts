/** Pieces up to this size are copied: cheaper than a buffer of their own in a system call. */
const COPIED_BYTES_MAX = 2048

/**
 * Gathers a message out of fields and payload: what is small is written into one buffer, payload goes along as it is.
 * `pieces` one after the other are the message.
 */
export class Gatherer {
  /** For what is small, written from `at` on; whoever writes there moves `at`. */
  readonly scratch: Buffer
  at = 0
  readonly #pieces: Uint8Array[] = []
  /** Where what is in no piece yet begins. */
  #start = 0

  /** `scratchBytes`: of all that will be copied, exactly. */
  constructor(scratchBytes: number) {
    this.scratch = Buffer.allocUnsafe(scratchBytes)
  }

  pass(payload: readonly Uint8Array[]): void {
    for (const piece of payload) {
      if (piece.length <= COPIED_BYTES_MAX) {
        this.scratch.set(piece, this.at)
        this.at += piece.length
      } else {
        this.#cut()
        this.#pieces.push(piece)
      }
    }
  }

  finish(): Uint8Array[] {
    this.#cut()
    return this.#pieces
  }

  #cut(): void {
    if (this.at > this.#start) this.#pieces.push(this.scratch.subarray(this.#start, this.at))
    this.#start = this.at
  }
}

/** Of payload: what `pass` does not copy. */
export function passedBytes(payload: readonly Uint8Array[]): number {
  let bytes = 0
  for (const { length } of payload) if (length > COPIED_BYTES_MAX) bytes += length
  return bytes
}

export function totalBytes(pieces: readonly Uint8Array[]): number {
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  return bytes
}
