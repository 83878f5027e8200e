import type { PartLayout } from '../base/model.ts'
import type { ByteRange } from './engine.ts'
import { readWindow } from './fill-window.ts'
import { PartReader, type ReadDeps } from './part-reader.ts'
import { type ReadWindow, windowBytes } from './read-window.ts'

/** What a client that reads nothing holds of its download, in bytes, where there is no memory for more. */
export const PIECE_BYTES = 8 * 1024
/** A client that takes longer for a piece is not waited for with the block in memory: it is read again. */
const PROMPT_MS = 5

export interface PieceReading {
  deps: ReadDeps
  layout: PartLayout
  range: ByteRange
  signal: AbortSignal
}

/**
 * Blocks of a part, each sent by copies of its pieces: a client that does not read holds one of those, and not the block.
 * Costs a read for each piece that is not taken at once, so it is for when there is no memory.
 */
export class BlockPieces {
  readonly #reading: PieceReading
  readonly #piece = Buffer.allocUnsafeSlow(PIECE_BYTES)

  constructor(reading: PieceReading) {
    this.#reading = reading
  }

  /** What the range asks for of a block. A piece is good until the next one is asked for. Fault: DataUnavailable. */
  async *read(block: number): AsyncGenerator<Buffer> {
    const { range } = this.#reading
    let sentBytes = 0
    for (;;) {
      using window = await this.#open(block)
      const bytes = window.cut(range)
      let isGone = false
      while (sentBytes < bytes.length && !isGone) {
        const length = bytes.copy(this.#piece, 0, sentBytes)
        sentBytes += length
        using _timer = this.#reading.deps.clock.after(PROMPT_MS, () => {
          isGone = true
          window[Symbol.dispose]()
        })
        yield this.#piece.subarray(0, length)
      }
      if (sentBytes >= bytes.length) return
    }
  }

  async #open(block: number): Promise<ReadWindow> {
    const { deps, layout, signal } = this.#reading
    const run = { first: block, last: block }
    using reader = new PartReader(deps, layout, run, signal)
    return await readWindow(reader, run, await deps.readMemory.takeScratch(windowBytes(layout, run), signal))
  }
}
