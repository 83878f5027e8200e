import type { Zstd } from './zstd.ts'

/** A frame that saves less than an eighth is stored as it is: it would cost every reader more than it saves. */
const SAVED_SHARE_MIN = 1 / 8
/** After frames that were not worth it, so many at most go by untried: media in an archive cost a sixty-fourth. */
const UNTRIED_MAX = 64

/** Compresses the frames of one part, in order, and tries less and less often where that gains nothing. */
export class FramePacker {
  readonly #zstd: Zstd
  readonly #signal: AbortSignal
  /** Frames that go by untried after the next one that is not worth it. */
  #untriedNext = 1
  #untried = 0

  constructor(zstd: Zstd, signal: AbortSignal) {
    this.#zstd = zstd
    this.#signal = signal
  }

  /** undefined: it is to be stored as it is. The frame is read until it resolves. */
  async pack(frame: Uint8Array): Promise<readonly Buffer[] | undefined> {
    if (this.#untried > 0) {
      this.#untried -= 1
      return undefined
    }
    const pieces = await this.#zstd.compress(frame, this.#signal)
    if (lengthOf(pieces) <= frame.length * (1 - SAVED_SHARE_MIN)) {
      this.#untriedNext = 1
      return pieces
    }
    this.#untried = this.#untriedNext
    this.#untriedNext = Math.min(2 * this.#untriedNext, UNTRIED_MAX)
    return undefined
  }
}

export function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}
