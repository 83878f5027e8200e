import { createHash } from 'node:crypto'
import { ChunkError } from '../../src/base/faults.ts'
import type { ServerId } from '../../src/base/ids.ts'
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
} from '../../src/storage-node/ports.ts'

interface MemoryChunk {
  header: StoredHeader
  trailer: StoredTrailer
  payload: Buffer
}

/** Where a test holds a call up, or lets it fail. Each is called before the disk does its work. */
export interface DiskHooks {
  put?: () => Promise<void>
  sinkWrite?: (bytes: number) => Promise<void>
  commit?: () => Promise<void>
  read?: () => Promise<void>
  stat?: () => Promise<void>
}

/** Chunks in memory, unchecked: for tests of what lies above the disk, and for faults that a real disk does not give. */
export class MemoryDisk implements ChunkDisk {
  readonly serverId: ServerId
  readonly chunks = new Map<string, MemoryChunk>()
  hooks: DiskHooks = {}
  /** Sinks that were neither committed nor disposed. */
  openSinks = 0
  putCount = 0
  acceptedBytes = 0
  beats = 0

  constructor(serverId: string) {
    this.serverId = serverId as ServerId
  }

  async put(header: StoredHeader, payload: Uint8Array, trailer: StoredTrailer): Promise<void> {
    this.putCount += 1
    const bytes = Buffer.from(payload)
    await this.hooks.put?.()
    this.#keep({ header, trailer, payload: bytes })
  }

  async create(header: StoredHeader): Promise<ChunkSink> {
    const kept = copyHeader(header)
    const pieces: Buffer[] = []
    let isOpen = true
    this.openSinks += 1
    return {
      write: async (piece) => {
        const taken = Buffer.from(piece)
        await this.hooks.sinkWrite?.(piece.length)
        this.acceptedBytes += taken.length
        pieces.push(taken)
      },
      commit: async (trailer) => {
        await this.hooks.commit?.()
        this.#keep({ header: kept, trailer, payload: Buffer.concat(pieces) })
      },
      [Symbol.asyncDispose]: async () => {
        if (isOpen) this.openSinks -= 1
        isOpen = false
      },
    }
  }

  async read(chunkId: Uint8Array, offset: number, length: number): Promise<Buffer> {
    await this.hooks.read?.()
    const { payload } = this.#find(chunkId)
    if (offset + length > payload.length) throw new ChunkError('invalid', 'beyond the end')
    return payload.subarray(offset, offset + length)
  }

  locate(chunkId: Uint8Array): ChunkPlace {
    this.#find(chunkId)
    return { segment: 0, offset: 0 }
  }

  async delete(chunkIds: readonly Uint8Array[]): Promise<number> {
    return chunkIds.filter((id) => this.chunks.delete(keyOf(id))).length
  }

  async *list(filter: ListFilter): AsyncIterable<StoredChunk[]> {
    const all = [...this.chunks.values()].filter(({ header }) => matches(header.chunkId, filter))
    for (let at = 0; at < all.length; at += 1000) {
      yield all
        .slice(at, at + 1000)
        .map(({ header, payload }) => ({ chunkId: Buffer.from(header.chunkId), payloadBytes: payload.length }))
    }
  }

  async verify(chunkId: Uint8Array): Promise<Buffer> {
    const { payload, trailer } = this.#find(chunkId)
    const found = createHash('sha256').update(payload).digest()
    if (!found.equals(trailer.chunkHash)) throw new ChunkError('corrupt', 'the hash differs')
    return found
  }

  async describe(chunkId: Uint8Array): Promise<StoredDescription> {
    const { header, trailer } = this.#find(chunkId)
    return { header, trailer }
  }

  async stat(): Promise<DiskStat> {
    await this.hooks.stat?.()
    let storedBytes = 0
    for (const { payload } of this.chunks.values()) storedBytes += payload.length
    return {
      serverId: this.serverId,
      capacityBytes: 1_000_000_000,
      availableBytes: 1_000_000_000 - storedBytes,
      chunkCount: this.chunks.size,
      storedBytes,
      writable: true,
      diskFormat: 1,
      beats: this.beats,
      moment: Buffer.alloc(0),
    }
  }

  async noteBeats(beats: number): Promise<void> {
    this.beats = beats
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #keep({ header, trailer, payload }: MemoryChunk): void {
    const { partBytes, chunkHash, seal } = trailer
    this.chunks.set(keyOf(header.chunkId), {
      header: copyHeader(header),
      trailer: { partBytes, chunkHash: Buffer.from(chunkHash), seal: Buffer.from(seal) },
      payload,
    })
  }

  #find(chunkId: Uint8Array): MemoryChunk {
    const found = this.chunks.get(keyOf(chunkId))
    if (!found) throw new ChunkError('not-found', 'no such chunk')
    return found
  }
}

function copyHeader(header: StoredHeader): StoredHeader {
  return { ...header, chunkId: Buffer.from(header.chunkId), label: Buffer.from(header.label) }
}

function keyOf(chunkId: Uint8Array): string {
  return Buffer.from(chunkId).toString('hex')
}

function matches(chunkId: Uint8Array, { session, createdBeforeMs, afterPart, untilPart }: ListFilter): boolean {
  const id = Buffer.from(chunkId)
  if (afterPart && id.subarray(0, 16).compare(afterPart) <= 0) return false
  if (untilPart && id.subarray(0, 16).compare(untilPart) > 0) return false
  if (session !== undefined && id.readUInt32BE(12) !== session) return false
  return createdBeforeMs === undefined || id.readUIntBE(0, 6) < createdBeforeMs
}
