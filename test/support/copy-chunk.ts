import type { ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { ChunkStore } from '../../src/engine/ports/chunk-store.ts'
import { payloadBytes } from '../../src/striping/layout.ts'

const forever = new AbortController().signal

/** Makes one more copy of a small chunk, on a server where its part does not have it. Answers where. */
export async function copyElsewhere(
  chunks: ChunkStore,
  { partId, servers }: PartLayout,
  index: number,
): Promise<ServerNumber> {
  const from = servers[index]!
  const to = servers.find((server) => server !== from)!
  const { header, trailer } = await chunks.describeChunk(from, { partId, index }, forever)
  const length = payloadBytes({ ...header, sizeBytes: trailer.partBytes })
  const payload = await chunks.getPayload(from, { partId, index, offset: 0, length }, forever)
  await chunks.putChunk(to, { header, trailer, pieces: [payload] }, forever)
  return to
}
