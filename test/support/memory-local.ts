import { ChunkError } from '../../src/base/faults.ts'
import type { ServerNumber } from '../../src/base/ids.ts'
import type { LocalChunks, StoredChunk } from '../../src/engine/ports/local-chunks.ts'
import type { MemoryNodes } from './memory-nodes.ts'

/** The directories of some of the nodes in memory, as if they were on this host. */
export class MemoryLocal implements LocalChunks {
  readonly here = new Set<ServerNumber>()
  /** Called before each read, with what it may do to the targets. */
  onRead: (server: ServerNumber, targets: readonly Buffer[]) => Promise<void> = async () => {}
  reads = 0
  readonly #nodes: MemoryNodes

  constructor(nodes: MemoryNodes, here: Iterable<number> = nodes.stored.keys()) {
    this.#nodes = nodes
    for (const server of here) this.here.add(server as ServerNumber)
  }

  has(server: ServerNumber): boolean {
    return this.here.has(server)
  }

  async read(
    server: ServerNumber,
    { partId, index, payloadBytes }: StoredChunk,
    { offset, targets }: { offset: number; targets: readonly Buffer[] },
  ): Promise<void> {
    this.reads += 1
    await this.onRead(server, targets)
    const payload = this.#nodes.stored.get(server)?.get(`${partId}/${index}`)
    if (!payload || !this.here.has(server)) throw new ChunkError('not-found', 'no such file')
    if (payload.length !== payloadBytes) throw new ChunkError('not-found', 'no file of that length')
    let at = offset
    for (const target of targets) at += payload.copy(target, 0, at, at + target.length)
  }
}
