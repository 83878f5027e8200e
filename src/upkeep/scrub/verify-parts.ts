import { ChunkError } from '../../base/faults.ts'
import type { PartId } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkStore } from '../../engine/ports/chunk-store.ts'
import type { ChunkDamage } from '../../engine/ports/damage-reports.ts'
import { recordedHash } from '../../striping/checksum.ts'
import { namedChunks } from '../named-chunks.ts'

export interface Verified {
  chunks: number
  damages: ChunkDamage[]
  /** Chunks that could not be looked at: their server does not answer. */
  skipped: number
}

/** Has every chunk of some parts read again where the parts' rows have it, on all servers at once. */
export async function verifyParts(
  chunks: Pick<ChunkStore, 'verifyChunks'>,
  layouts: readonly PartLayout[],
  signal: AbortSignal,
): Promise<Verified> {
  const records = new Map(layouts.map((layout) => [layout.partId, layout]))
  const verified: Verified = { chunks: 0, damages: [], skipped: 0 }
  await Promise.all(
    Array.from(namedChunks(layouts), async ([server, names]) => {
      let answered = 0
      try {
        for await (const verdict of chunks.verifyChunks(server, names, signal)) {
          answered += 1
          const { partId, index, failure, chunkHash } = verdict
          if (failure) verified.damages.push({ partId, index, server, why: failure.message })
          else if (!chunkHash.equals(recordedHash(recordOf(records, partId), index))) {
            verified.damages.push({ partId, index, server, why: 'it is not what its part says' })
          }
        }
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof ChunkError)) throw error
      }
      verified.chunks += answered
      verified.skipped += names.length - answered
    }),
  )
  return verified
}

function recordOf(records: ReadonlyMap<PartId, PartLayout>, partId: PartId): PartLayout {
  const record = records.get(partId)
  if (!record) throw new ChunkError('invalid', 'the server answered of a chunk that it was not asked about')
  return record
}
