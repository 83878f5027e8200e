import { ChunkError } from '../../src/base/faults.ts'
import { chunkIdBytes, type ServerNumber } from '../../src/base/ids.ts'
import type {
  ChunkDescription,
  ChunkHeader,
  ChunkName,
  ChunkStore,
  ChunkTrailer,
  ChunkVerdict,
  ChunkWriter,
  PayloadRange,
} from '../../src/engine/ports/chunk-store.ts'
import { PayloadVerifier } from '../../src/striping/payload-verifier.ts'

/** Storage nodes in memory, with faults: for tests of what stands above them. */
export class MemoryNodes implements ChunkStore {
  /** Payloads by chunk, by server. */
  readonly stored = new Map<ServerNumber, Map<string, Buffer>>()
  /** What each chunk said of itself when it was written, by the same names. */
  readonly described = new Map<string, ChunkDescription>()
  /** Every call to these fails. */
  readonly down = new Set<ServerNumber>()
  /** Streams to these fail once so many bytes were written. */
  readonly failsAfterBytes = new Map<ServerNumber, number>()
  /** Writes to these are refused for lack of space. */
  readonly full = new Set<ServerNumber>()
  /** Down, but not yet known to be. */
  readonly looksReachable = new Set<ServerNumber>()
  calls = { putChunk: 0, openChunk: 0, getPayload: 0, streamPayload: 0 }

  constructor(servers: number) {
    for (let n = 1; n <= servers; n++) this.stored.set(n as ServerNumber, new Map())
  }

  chunkCount(): number {
    return [...this.stored.values()].reduce((sum, chunks) => sum + chunks.size, 0)
  }

  /** Changes a stored payload in place. */
  damage(server: ServerNumber, chunk: ChunkName, how: (payload: Buffer) => Buffer): void {
    const chunks = this.stored.get(server)!
    chunks.set(nameOf(chunk), how(Buffer.from(chunks.get(nameOf(chunk))!)))
  }

  isReachable(server: ServerNumber): boolean {
    return !this.down.has(server) || this.looksReachable.has(server)
  }

  async putChunk(server: ServerNumber, chunk: Parameters<ChunkStore['putChunk']>[1]): Promise<void> {
    this.calls.putChunk++
    await tick()
    this.#check(server, true)
    this.#keep(server, chunk.header, chunk.trailer, Buffer.concat(chunk.pieces))
  }

  openChunk(server: ServerNumber, header: ChunkHeader): ChunkWriter {
    this.calls.openChunk++
    const pieces: Buffer[] = []
    let written = 0
    let aborted = false
    const check = () => {
      if (aborted) throw new ChunkError('aborted', 'aborted')
      this.#check(server, true)
      if (written > (this.failsAfterBytes.get(server) ?? Infinity)) throw new ChunkError('unreachable', 'cut off')
    }
    return {
      write: async (more) => {
        for (const piece of more) {
          written += piece.length
          pieces.push(Buffer.from(piece))
        }
        await tick()
        check()
      },
      finish: async (trailer) => {
        await tick()
        check()
        this.#keep(server, header, trailer, Buffer.concat(pieces))
      },
      abort: () => {
        aborted = true
      },
    }
  }

  async getPayload(server: ServerNumber, range: PayloadRange): Promise<Buffer> {
    this.calls.getPayload++
    await tick()
    return this.#read(server, range)
  }

  async *streamPayload(server: ServerNumber, range: PayloadRange): AsyncGenerator<Buffer> {
    this.calls.streamPayload++
    await tick()
    const payload = this.#read(server, range)
    // Pieces that meet no block's edge.
    for (let at = 0; at < payload.length; at += 100_003) {
      await tick()
      this.#check(server, false)
      yield payload.subarray(at, at + 100_003)
    }
  }

  async deleteChunks(server: ServerNumber, chunks: readonly ChunkName[]): Promise<void> {
    await tick()
    this.#check(server, false)
    for (const chunk of chunks) this.stored.get(server)!.delete(nameOf(chunk))
  }

  async *listChunks(server: ServerNumber): AsyncGenerator<ChunkName[]> {
    this.#check(server, false)
    yield [...this.stored.get(server)!.keys()].map((name) => {
      const [partId, index] = name.split('/')
      return { partId: partId as ChunkName['partId'], index: Number(index) }
    })
  }

  async *verifyChunks(server: ServerNumber, chunks: readonly ChunkName[]): AsyncGenerator<ChunkVerdict> {
    for (const { partId, index } of chunks) {
      await tick()
      this.#check(server, false)
      const payload = this.stored.get(server)?.get(nameOf({ partId, index }))
      const frame = this.described.get(nameOf({ partId, index }))
      if (!payload || !frame) {
        yield { partId, index, failure: new ChunkError('not-found', 'no such chunk') }
        continue
      }
      const verifier = new PayloadVerifier({
        chunkId: chunkIdBytes(partId, index),
        blockBytes: frame.header.blockBytes,
      })
      verifier.update(payload)
      const { isIntact, chunkHash } = verifier.finish()
      if (isIntact && chunkHash.equals(frame.trailer.chunkHash)) yield { partId, index, chunkHash }
      else yield { partId, index, failure: new ChunkError('corrupt', 'damaged') }
    }
  }

  async describeChunk(server: ServerNumber, chunk: ChunkName): Promise<ChunkDescription> {
    await tick()
    this.#check(server, false)
    const frame = this.described.get(nameOf(chunk))
    if (!frame || !this.stored.get(server)?.has(nameOf(chunk))) throw new ChunkError('not-found', 'no such chunk')
    return { ...frame, header: { ...frame.header, ...chunk } }
  }

  #keep(server: ServerNumber, header: ChunkHeader, trailer: ChunkTrailer, payload: Buffer): void {
    this.stored.get(server)!.set(nameOf(header), payload)
    this.described.set(nameOf(header), { header, trailer })
  }

  #check(server: ServerNumber, writing: boolean): void {
    if (this.down.has(server)) throw new ChunkError('unreachable', `server ${server} is down`)
    if (writing && this.full.has(server)) throw new ChunkError('no-space', `server ${server} is full`)
  }

  #read(server: ServerNumber, range: PayloadRange): Buffer {
    this.#check(server, false)
    const payload = this.stored.get(server)?.get(nameOf(range))
    if (!payload) throw new ChunkError('not-found', 'no such chunk')
    if (range.offset + range.length > payload.length) throw new ChunkError('invalid', 'beyond the end')
    return payload.subarray(range.offset, range.offset + range.length)
  }
}

function nameOf({ partId, index }: ChunkName): string {
  return `${partId}/${index}`
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
