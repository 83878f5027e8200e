import { ChunkError } from '../base/faults.ts'
import type { ServerNumber } from '../base/ids.ts'
import type { PartLayout } from '../base/model.ts'
import { blockChecksum, CHECKSUM_BYTES, chunkHasher, chunkSeeds, recordedHash } from '../striping/checksum.ts'
import { payloadBytes } from '../striping/layout.ts'
import type { ChunkHeader, ChunkTrailer, PartSeal } from './ports/chunk-store.ts'
import type { RebuildDeps } from './rebuild-chunks.ts'

/** A chunk that is made anew, on its way to its server. A failure is kept, not thrown: the part's others go on. */
export interface RebuiltChunk {
  readonly index: number
  /** undefined: all is well so far. */
  readonly failure: unknown
  /** Resolves when more may come. */
  write(stripe: number, block: Uint8Array): Promise<void>
  /** Resolves when the chunk is durable, or has failed: also when it is not what the part's record says. */
  finish(): Promise<void>
  abort(): void
}

export interface RebuiltChunkOrder {
  layout: PartLayout
  server: ServerNumber
  header: ChunkHeader
  seal: PartSeal
}

/** A small chunk travels whole, a large one by a stream, as when it was written first. */
export function openRebuiltChunk(deps: RebuildDeps, order: RebuiltChunkOrder, signal: AbortSignal): RebuiltChunk {
  const { layout, server, header } = order
  const { index } = header
  const isSmall = payloadBytes(layout) <= deps.settings.messageChunkBytesMax
  const way = isSmall ? messageWay(deps, order, signal) : deps.chunks.openChunk(server, header, signal)
  const seed = chunkSeeds(layout.partId, index + 1)[index]!
  const expectedHash = recordedHash(layout, index)
  const hasher = chunkHasher()
  let failure: unknown

  async function orFail(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      failure ??= error
      deps.log.warn({ partId: layout.partId, index, server, reason: String(error) }, 'a rebuilt chunk is not written')
    }
  }

  return {
    index,
    get failure() {
      return failure
    },
    write: (stripe, block) =>
      orFail(async () => {
        const checksum = blockChecksum(seed, stripe, block)
        hasher.update(checksum)
        await way.write([block, checksumBytes(checksum)])
      }),
    finish: () =>
      orFail(async () => {
        const chunkHash = hasher.digest()
        if (!chunkHash.equals(expectedHash)) throw new ChunkError('corrupt', 'what was rebuilt is not what was written')
        await way.finish({ partBytes: layout.sizeBytes, chunkHash, seal: order.seal })
      }),
    abort: () => way.abort(),
  }
}

function checksumBytes(checksum: number): Buffer {
  const bytes = Buffer.allocUnsafe(CHECKSUM_BYTES)
  bytes.writeUInt32LE(checksum)
  return bytes
}

/** Gathers the pieces, and sends them at the end. */
function messageWay({ chunks }: RebuildDeps, { server, header }: RebuiltChunkOrder, signal: AbortSignal) {
  const pieces: Uint8Array[] = []
  return {
    async write(more: readonly Uint8Array[]) {
      pieces.push(...more)
    },
    async finish(trailer: ChunkTrailer) {
      await chunks.putChunk(server, { header, pieces, trailer }, signal)
    },
    abort() {},
  }
}
