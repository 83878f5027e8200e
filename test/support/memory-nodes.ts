import { ChunkError } from '../../src/base/faults.ts'
import { chunkIdBytes, type ServerNumber, sessionOfPart } from '../../src/base/ids.ts'
import type {
  ChunkAnswer,
  ChunkDescription,
  ChunkFilter,
  ChunkHeader,
  ChunkName,
  ChunkPlace,
  ChunkStore,
  ChunkTrailer,
  ChunkVerdict,
  ChunkWriter,
  ListedChunk,
  PayloadRange,
  ServerStat,
  SmallChunk,
} from '../../src/engine/ports/chunk-store.ts'
import { PayloadVerifier } from '../../src/striping/payload-verifier.ts'

export function noCalls() {
  return { putChunk: 0, openChunk: 0, getPayload: 0, locateChunk: 0, streamPayload: 0 }
}

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
  /** Heartbeats that each knows of; 0 if it is not here. */
  readonly beats = new Map<ServerNumber, number>()
  /** Writes to these are refused for lack of space. */
  readonly full = new Set<ServerNumber>()
  /** Down, but not yet known to be. */
  readonly looksReachable = new Set<ServerNumber>()
  /** What each call to these waits for, before anything is done. */
  readonly slow = new Map<ServerNumber, () => Promise<void>>()
  /** Calls to these are not answered until they are resumed, as if by SIGSTOP. */
  readonly #hung = new Map<ServerNumber, PromiseWithResolvers<void>>()
  /** Puts are answered with where the chunk lies. */
  tellsPlaces = false
  calls = noCalls()

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

  hang(server: ServerNumber): void {
    this.#hung.set(server, Promise.withResolvers())
  }

  /** What had been sent to it by then is done now, also what was given up meanwhile. */
  resume(server: ServerNumber): void {
    this.#hung.get(server)?.resolve()
    this.#hung.delete(server)
  }

  isReachable(server: ServerNumber): boolean {
    return !this.down.has(server) || this.looksReachable.has(server)
  }

  async putChunk(
    server: ServerNumber,
    { header, pieces, trailer }: SmallChunk,
    signal: AbortSignal,
  ): Promise<ChunkPlace | undefined> {
    this.calls.putChunk++
    const payload = Buffer.concat(pieces)
    await tick()
    this.#check(server, true)
    const keep = () => this.#keep(server, header, trailer, payload)
    void this.#hung.get(server)?.promise.then(keep)
    await this.#turn(server, signal)
    keep()
    return this.tellsPlaces ? { segment: 1, offset: 0 } : undefined
  }

  openChunk(server: ServerNumber, header: ChunkHeader, signal: AbortSignal): ChunkWriter {
    this.calls.openChunk++
    const pieces: Buffer[] = []
    let written = 0
    let aborted = false
    const stop = new AbortController()
    const ends = AbortSignal.any([signal, stop.signal])
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
        await this.#turn(server, ends)
        check()
      },
      finish: async (trailer) => {
        await tick()
        await this.#turn(server, ends)
        check()
        this.#keep(server, header, trailer, Buffer.concat(pieces))
      },
      abort: () => {
        aborted = true
        stop.abort()
      },
    }
  }

  async getPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): Promise<Buffer> {
    this.calls.getPayload++
    await tick()
    await this.#turn(server, signal)
    return this.#read(server, range)
  }

  async locateChunk(server: ServerNumber, chunk: ChunkName, signal: AbortSignal): Promise<ChunkPlace> {
    this.calls.locateChunk++
    await tick()
    await this.#turn(server, signal)
    this.#check(server, false)
    if (!this.stored.get(server)?.has(nameOf(chunk))) throw new ChunkError('not-found', 'no such chunk')
    return { segment: 1, offset: 0 }
  }

  async *streamPayload(server: ServerNumber, range: PayloadRange, signal: AbortSignal): AsyncGenerator<Buffer> {
    this.calls.streamPayload++
    await tick()
    await this.#turn(server, signal)
    const payload = this.#read(server, range)
    // Pieces that meet no block's edge.
    for (let at = 0; at < payload.length; at += 100_003) {
      await tick()
      await this.#turn(server, signal)
      this.#check(server, false)
      yield payload.subarray(at, at + 100_003)
    }
  }

  async deleteChunks(server: ServerNumber, chunks: readonly ChunkName[], signal: AbortSignal): Promise<void> {
    await tick()
    await this.#turn(server, signal)
    this.#check(server, false)
    for (const chunk of chunks) this.stored.get(server)!.delete(nameOf(chunk))
  }

  async *listChunks(server: ServerNumber, { session, after, until }: ChunkFilter): AsyncGenerator<ListedChunk[]> {
    this.#check(server, false)
    const all = [...this.stored.get(server)!].map(([name, { length }]) => {
      const [partId, index] = name.split('/')
      return { partId: partId as ChunkName['partId'], index: Number(index), payloadBytes: length }
    })
    yield all.filter(
      ({ partId }) =>
        (session === undefined || sessionOfPart(partId) === session) &&
        (after === undefined || partId > after) &&
        (until === undefined || partId <= until),
    )
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

  async describeChunk(server: ServerNumber, chunk: ChunkName, signal: AbortSignal): Promise<ChunkDescription> {
    await tick()
    await this.#turn(server, signal)
    this.#check(server, false)
    const frame = this.described.get(nameOf(chunk))
    if (!frame || !this.stored.get(server)?.has(nameOf(chunk))) throw new ChunkError('not-found', 'no such chunk')
    return { ...frame, header: { ...frame.header, ...chunk } }
  }

  async *describeChunks(
    server: ServerNumber,
    chunks: readonly ChunkName[],
    signal: AbortSignal,
  ): AsyncGenerator<ChunkAnswer> {
    for (const { partId, index } of chunks) {
      this.#check(server, false)
      yield await this.describeChunk(server, { partId, index }, signal).then(
        (description) => ({ partId, index, description }),
        (failure: ChunkError) => ({ partId, index, failure }),
      )
    }
  }

  /** Waits as long as the server does. Rejects when the call is given up. */
  async #turn(server: ServerNumber, signal: AbortSignal): Promise<void> {
    const waited = this.#hung.get(server)?.promise ?? this.slow.get(server)?.()
    if (!waited) return
    const givenUp = Promise.withResolvers<never>()
    const onAbort = () => givenUp.reject(new ChunkError('aborted', 'the call was given up'))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      await Promise.race([waited, givenUp.promise])
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async statServer(server: ServerNumber): Promise<ServerStat> {
    await tick()
    this.#check(server, false)
    return { chunkCount: this.stored.get(server)!.size, beats: this.beats.get(server) ?? 0, moment: undefined }
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
