import type { Transform } from 'node:stream'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { Slots } from '../slots.ts'
import { FRAME_BYTES } from './frame-format.ts'

/** Frames of zstd (RFC 8878), made and read by the threads of Node's pool. */
export interface Zstd {
  /** `bytes`, up to FRAME_BYTES, are read until it resolves. In pieces. */
  compress(bytes: Uint8Array, signal: AbortSignal): Promise<readonly Buffer[]>
  /** Rejects unless just so many bytes come out of it, as they went in; never more is made of it. */
  decompress(frame: Uint8Array, plainBytes: number, signal: AbortSignal): Promise<readonly Buffer[]>
}

/** Frames at once, of either kind: as many as Node's pool has threads by default. */
const CONTEXTS = 4
/** Measured: level 3 takes 40 % more CPU to save 3 to 7 % more, and on logs nothing (docs/adr/0075). */
const LEVEL = 1
const WINDOW_LOG = Math.log2(FRAME_BYTES)
/** By how much a frame may be longer than what it was made of. */
const OVERHEAD_BYTES = 1024

/**
 * What a context remembers of one frame it does not use for the next: it is kept because its memory, up to a mebibyte, would
 * cost more to make than a frame.
 */
export function createZstd(): Zstd {
  const compressors = new Contexts(() =>
    createZstdCompress({
      chunkSize: FRAME_BYTES + OVERHEAD_BYTES,
      // Each write is a frame.
      flush: constants.ZSTD_e_end,
      params: {
        [constants.ZSTD_c_compressionLevel]: LEVEL,
        [constants.ZSTD_c_windowLog]: WINDOW_LOG,
        [constants.ZSTD_c_checksumFlag]: 1,
      },
    }),
  )
  const decompressors = new Contexts(() =>
    createZstdDecompress({ chunkSize: FRAME_BYTES, params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG } }),
  )
  return {
    compress: (bytes, signal) =>
      compressors.run({ bytes, bytesMax: bytes.length + OVERHEAD_BYTES, bytesMin: 1 }, signal),
    async decompress(bytes, plainBytes, signal) {
      const pieces = await decompressors.run({ bytes, bytesMax: plainBytes, bytesMin: plainBytes }, signal)
      // Small frames are cut from memory that others keep, too.
      return plainBytes > FRAME_BYTES / 2 ? pieces : [Buffer.concat(pieces)]
    },
  }
}

interface Work {
  bytes: Uint8Array
  bytesMin: number
  bytesMax: number
}

class Contexts {
  readonly #open: () => Transform
  readonly #slots = new Slots(CONTEXTS)
  readonly #idle: Context[] = []

  constructor(open: () => Transform) {
    this.#open = open
  }

  async run(work: Work, signal: AbortSignal): Promise<readonly Buffer[]> {
    using _ = await this.#slots.take(signal)
    const idle = this.#idle.pop()
    // One whose last frame was cut short behind its last byte waits for the rest of that, and takes the next one for it.
    return (
      (idle && (await this.#use(idle, work).catch(() => undefined))) ??
      (await this.#use(new Context(this.#open()), work))
    )
  }

  async #use(context: Context, work: Work): Promise<readonly Buffer[]> {
    const pieces = await context.run(work)
    this.#idle.push(context)
    return pieces
  }
}

/** One stream of zlib's, one frame at a time. After a failure it is of no more use. */
class Context {
  readonly #stream: Transform
  #pieces: Buffer[] = []
  #bytes = 0
  #bytesMax = 0
  #fail: (error: Error) => void = () => {}

  constructor(stream: Transform) {
    this.#stream = stream
    stream.on('data', (piece: Buffer) => this.#take(piece))
    stream.on('error', (error) => this.#fail(error))
    // Never told to end, it does so by itself only where a frame is followed by something else.
    stream.on('end', () => stream.destroy(new Error('there is more behind the end of the frame')))
  }

  async run({ bytes, bytesMin, bytesMax }: Work): Promise<readonly Buffer[]> {
    this.#pieces = []
    this.#bytes = 0
    this.#bytesMax = bytesMax
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#fail = reject
    this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()))
    await promise
    if (this.#bytes >= bytesMin && !this.#stream.destroyed) return this.#pieces
    this.#stream.destroy()
    throw new Error(`the frame gives ${this.#bytes} bytes, of ${bytesMin}`)
  }

  #take(piece: Buffer): void {
    this.#bytes += piece.length
    if (this.#bytes > this.#bytesMax)
      this.#stream.destroy(new Error(`the frame gives more than ${this.#bytesMax} bytes`))
    else this.#pieces.push(piece)
  }
}
