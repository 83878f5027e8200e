import { ChunkError } from '../../src/base/faults.ts'
import type { ServerNumber } from '../../src/base/ids.ts'
import type { LocalChunks, StoredChunk } from '../../src/engine/ports/local-chunks.ts'
import type { MemoryNodes } from './memory-nodes.ts'

/** The directories of some of the nodes in memory, as if they were on this host. */
export class MemoryLocal implements LocalChunks {
  readonly here = new Set<ServerNumber>()
  /** Chunks of at most this lie where only their nodes know. */
  smallBytesMax = 0
  /** What was learnt. */
  readonly places = new Set<string>()
  /** Called before each read, with what it may do to the targets. */
  onRead: (server: ServerNumber, targets: readonly Buffer[]) => Promise<void> = async () => {}
  reads = 0
  readonly #nodes: MemoryNodes

  constructor(nodes: MemoryNodes, here: Iterable<number> = nodes.stored.keys()) {
    this.#nodes = nodes
    for (const server of here) this.here.add(server as ServerNumber)
  }

  has(server: ServerNumber, chunk: StoredChunk): boolean {
    return this.here.has(server) && (chunk.payloadBytes > this.smallBytesMax || this.places.has(nameOf(chunk)))
  }

  needsPlace(server: ServerNumber, chunk: StoredChunk): boolean {
    return this.here.has(server) && !this.has(server, chunk)
  }

  learn(_server: ServerNumber, chunk: StoredChunk): void {
    this.places.add(nameOf(chunk))
  }

  distrust(_server: ServerNumber, chunk: StoredChunk): boolean {
    return this.places.delete(nameOf(chunk))
  }

  async read(
    server: ServerNumber,
    chunk: StoredChunk,
    { offset, targets }: { offset: number; targets: readonly Buffer[] },
  ): Promise<void> {
    this.reads += 1
    await this.onRead(server, targets)
    const payload = this.#nodes.stored.get(server)?.get(nameOf(chunk))
    if (!payload || !this.has(server, chunk)) throw new ChunkError('not-found', 'no such file')
    if (payload.length !== chunk.payloadBytes) throw new ChunkError('not-found', 'no file of that length')
    let at = offset
    for (const target of targets) at += payload.copy(target, 0, at, at + target.length)
  }
}

function nameOf({ partId, index }: StoredChunk): string {
  return `${partId}/${index}`
}
