import { ChunkError } from '../../base/faults.ts'
import type { ServerId } from '../../base/ids.ts'
import { DISK_FORMAT } from '../../chunk-files/identity.ts'
import type {
  ChunkDisk,
  ChunkPlace,
  ChunkSink,
  DiskStat,
  ListFilter,
  StoredChunk,
  StoredDescription,
  StoredHeader,
  StoredTrailer,
} from '../ports.ts'
import { deleteChunks } from './chunk-deleter.ts'
import { listChunks } from './chunk-lister.ts'
import { putSmall, type WholeChunk } from './chunk-putter.ts'
import { describeChunk, locateChunk, readPayload, verifyChunk } from './chunk-reader.ts'
import { DiskSink } from './chunk-sink.ts'
import type { OpenParts } from './open-parts.ts'

/** One node's chunk store, with what only its owner needs. */
export interface OpenChunkDisk extends ChunkDisk {
  readonly serverId: ServerId
  /** Resolves when there is nothing left to compact, or what there is must wait for another try. */
  compacted(): Promise<void>
}

/** The chunk store on its open parts, which it owns. */
export class DirectoryDisk implements OpenChunkDisk {
  readonly #parts: OpenParts
  readonly #sinks = new Set<DiskSink>()
  /** Calls under way. */
  #calls = 0
  #whenIdle: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(parts: OpenParts) {
    this.#parts = parts
  }

  startBehind(): void {
    this.#parts.compactor.kick()
  }

  get serverId(): ServerId {
    return this.#parts.serverId
  }

  async put(header: StoredHeader, payload: Uint8Array, trailer: StoredTrailer): Promise<void> {
    this.#begin()
    try {
      const isSmall = payload.length <= this.#parts.settings.smallChunkBytesMax
      const chunk = { header, payload, trailer }
      await (isSmall ? putSmall(this.#parts, chunk) : this.#putLarge(chunk))
    } finally {
      this.#end() // as #enter, without the half microsecond that `using` costs
    }
    this.#parts.compactor.kick() // this put may have closed a segment of which little lives
  }

  async #putLarge({ header, payload, trailer }: WholeChunk): Promise<void> {
    await using sink = await this.#openSink(header)
    await sink.write(payload)
    await sink.commit(trailer)
  }

  async create(header: StoredHeader): Promise<ChunkSink> {
    using _ = this.#enter()
    return await this.#openSink(header)
  }

  async #openSink(header: StoredHeader): Promise<DiskSink> {
    const sink = await DiskSink.open(this.#parts, header, () => this.#sinks.delete(sink))
    this.#sinks.add(sink)
    return sink
  }

  async read(chunkId: Uint8Array, offset: number, length: number, into?: Buffer): Promise<Buffer> {
    using _ = this.#enter()
    return await readPayload(this.#parts, { chunkId, offset, length, into })
  }

  locate(chunkId: Uint8Array): ChunkPlace {
    this.#refuseIfClosed()
    return locateChunk(this.#parts, chunkId)
  }

  async delete(chunkIds: readonly Uint8Array[], writtenBefore?: Uint8Array): Promise<number> {
    using _ = this.#enter()
    const count = await deleteChunks(this.#parts, chunkIds, writtenBefore)
    this.#parts.compactor.kick()
    return count
  }

  async *list(filter: ListFilter): AsyncGenerator<StoredChunk[], void, undefined> {
    const { index, settings } = this.#parts
    for await (const batch of listChunks(index, filter, settings.listBatchRows)) {
      this.#refuseIfClosed()
      yield batch
    }
  }

  async verify(chunkId: Uint8Array): Promise<Buffer> {
    using _ = this.#enter()
    return await verifyChunk(this.#parts, chunkId)
  }

  async describe(chunkId: Uint8Array): Promise<StoredDescription> {
    using _ = this.#enter()
    return await describeChunk(this.#parts, chunkId)
  }

  async stat(): Promise<DiskStat> {
    using _ = this.#enter()
    const { index, health, moments } = this.#parts
    const { capacityBytes, availableBytes, writable } = await health.current()
    return {
      serverId: this.serverId,
      capacityBytes,
      availableBytes,
      chunkCount: index.size,
      storedBytes: index.payloadBytes,
      writable,
      diskFormat: DISK_FORMAT,
      beats: this.#parts.beats.beats,
      moment: moments.now(),
    }
  }

  async noteBeats(beats: number): Promise<void> {
    using _ = this.#enter()
    await this.#parts.beats.note(beats)
    await this.#parts.names.sweep(this.#parts.fs)
  }

  async compacted(): Promise<void> {
    using _ = this.#enter()
    await this.#parts.compactor.settled()
  }

  #enter(): Disposable {
    this.#begin()
    return { [Symbol.dispose]: () => this.#end() }
  }

  #begin(): void {
    this.#refuseIfClosed()
    this.#calls += 1
  }

  #end(): void {
    this.#calls -= 1
    if (this.#calls === 0) this.#whenIdle?.()
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new ChunkError('failed', 'the chunk store is closed')
  }

  /** Ends what is under way; chunks that were not being committed are given up. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#sinks, (sink) => sink[Symbol.asyncDispose]()))
    if (this.#calls > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
    await this.#parts[Symbol.asyncDispose]()
  }
}
