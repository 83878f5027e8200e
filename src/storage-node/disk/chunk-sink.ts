import { assert, ChunkError } from '../../base/faults.ts'
import {
  checkHeader,
  checkTrailer,
  encodeHeader,
  encodeTrailer,
  PAYLOAD_BYTES_MAX,
} from '../../chunk-files/chunk-frame.ts'
import { type ChunkKey, parseKey } from '../../chunk-files/chunk-key.ts'
import { chunkFilePath, fanOut, fanOutDirectory } from '../../chunk-files/paths.ts'
import { PayloadVerifier } from '../../striping/payload-verifier.ts'
import type { ChunkSink, StoredHeader, StoredTrailer } from '../ports.ts'
import { DirectWriter } from './chunk-file-writer.ts'
import { acknowledgeIfThere, appendChunk, corruptPayload } from './chunk-putter.ts'
import { toChunkError } from './disk-error.ts'
import type { DiskParts } from './disk-parts.ts'
import { inFanOut } from './fan-out.ts'

/** A chunk that comes in pieces. It becomes a file, unless all of it turns out to fit a segment. */
export class DiskSink implements ChunkSink {
  readonly #parts: DiskParts
  readonly #key: ChunkKey
  readonly #headerBytes: number
  readonly #chunkId: Buffer
  readonly #verifier: PayloadVerifier
  readonly #writer: DirectWriter
  #payloadBytes = 0
  readonly #onClosed: () => void
  #isClosed = false
  #committing: Promise<void> | undefined

  private constructor(parts: DiskParts, header: StoredHeader, onClosed: () => void) {
    this.#onClosed = onClosed
    this.#parts = parts
    this.#key = parseKey(header.chunkId)
    this.#chunkId = Buffer.from(header.chunkId)
    this.#headerBytes = encodeHeader(header).length
    this.#verifier = new PayloadVerifier({ chunkId: this.#chunkId, blockBytes: header.blockBytes })
    this.#writer = new DirectWriter(parts)
  }

  /** Throws `invalid` for a header that makes no sense, `no-space`, `failed`. */
  static async open(parts: DiskParts, header: StoredHeader, onClosed: () => void): Promise<DiskSink> {
    checkHeader(header)
    const frame = encodeHeader(header)
    await parts.health.admit(frame.length)
    const sink = new DiskSink(parts, header, onClosed)
    try {
      await sink.#writer.write(frame)
    } catch (error) {
      await sink.#writer.abandon()
      throw error
    }
    sink.#writer.pause()
    return sink
  }

  write(piece: Uint8Array): Promise<void> | undefined {
    if (this.#isClosed) throw new ChunkError('aborted', 'the chunk was given up')
    this.#payloadBytes += piece.length
    if (this.#payloadBytes > PAYLOAD_BYTES_MAX) {
      throw new ChunkError('invalid', `a chunk's payload has at most ${PAYLOAD_BYTES_MAX} bytes`)
    }
    if (!this.#verifier.update(piece)) throw corruptPayload('a block')
    try {
      const behind = this.#writer.write(piece)
      if (behind !== undefined) return this.#catchUp(behind)
    } catch (error) {
      throw toChunkError(error, 'a write')
    }
    this.#writer.pause()
    return undefined
  }

  async #catchUp(behind: Promise<void>): Promise<void> {
    try {
      await behind
    } catch (error) {
      throw toChunkError(error, 'a write')
    }
    this.#writer.pause()
  }

  commit(trailer: StoredTrailer): Promise<void> {
    assert(!this.#isClosed, 'a chunk is committed once')
    this.#isClosed = true
    this.#committing = this.#commit(trailer)
    return this.#committing
  }

  async #commit(trailer: StoredTrailer): Promise<void> {
    try {
      checkTrailer(trailer)
      const { isIntact, chunkHash } = this.#verifier.finish()
      if (!isIntact) throw corruptPayload('a block')
      if (!chunkHash.equals(trailer.chunkHash)) throw corruptPayload('the chunk hash')
      const kept = encodeTrailer(this.#chunkId, { ...trailer, payloadBytes: this.#payloadBytes })
      await this.#keep(kept, chunkHash)
    } catch (error) {
      this.#parts.health.report(error)
      throw toChunkError(error, 'a chunk')
    } finally {
      await this.#writer.abandon()
      this.#onClosed()
    }
  }

  async #keep(trailer: Buffer, chunkHash: Buffer): Promise<void> {
    const isSmall = this.#payloadBytes <= this.#parts.settings.smallChunkBytesMax
    if (isSmall && !this.#writer.hasFile) {
      const gathered = this.#writer.gathered()
      const header = gathered.subarray(0, this.#headerBytes)
      const payload = gathered.subarray(this.#headerBytes)
      await appendChunk(this.#parts, { key: this.#key, chunkHash, frames: [header, payload, trailer] })
      return
    }
    await this.#writer.finish(trailer)
    await this.#parts.gate.run(this.#key, async () => {
      if (await acknowledgeIfThere(this.#parts, this.#key, chunkHash)) return
      await this.#rename()
    })
  }

  async #rename(): Promise<void> {
    const { fs, paths, index, directories, moments } = this.#parts
    const name = { key: this.#key, payloadBytes: this.#payloadBytes }
    const path = chunkFilePath(paths, name)
    await inFanOut(this.#parts, this.#key, () => fs.rename(this.#writer.path, path))
    this.#writer.keep()
    try {
      await directories.sync(fanOutDirectory(paths, fanOut(this.#key)))
    } catch (error) {
      // Not acknowledged, so not to be there; if even that fails it is whole, and the index says what the disk says.
      await fs.unlink(path).catch(() => index.set(this.#key, moments.placeOfFile(this.#payloadBytes)))
      throw error
    }
    index.set(this.#key, moments.placeOfFile(this.#payloadBytes))
  }

  /** Not committed: nothing of it stays. A commit under way is waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    if (this.#committing === undefined) await this.#writer.abandon()
    else await this.#committing.catch(() => {}) // its caller was told
    this.#onClosed()
  }
}
