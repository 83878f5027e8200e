import type { PartId, ServerNumber } from '../../src/base/ids.ts'
import type { PartLayout } from '../../src/base/model.ts'
import type { ChunkStore } from '../../src/engine/ports/chunk-store.ts'

const forever = new AbortController().signal

/**
 * What is not as it should be, in words; nothing: every chunk of every part is on the server that its row names, to the
 * last block what the row says, no more of a part on one server than the spread rule allows, and no chunk anywhere else.
 */
export async function whatIsWrong(
  chunks: ChunkStore,
  layouts: readonly PartLayout[],
  servers: readonly ServerNumber[],
): Promise<string[]> {
  const wrong = layouts.flatMap((layout) => spreadTooThin(layout, servers.length))
  for (const server of servers) {
    const named = new Map(layouts.flatMap((layout) => chunksOn(layout, server)))
    const names = [...named.values()]
    for await (const { partId, index, chunkHash, failure } of chunks.verifyChunks(server, names, forever)) {
      const recorded = named.get(nameOf(partId, index))!.hash
      if (failure) wrong.push(`server ${server}: chunk ${index} of ${partId}: ${failure.failure}`)
      else if (!chunkHash.equals(recorded)) wrong.push(`server ${server}: chunk ${index} of ${partId}: another hash`)
    }
    for await (const found of chunks.listChunks(server, {}, forever)) {
      for (const { partId, index } of found) {
        if (!named.has(nameOf(partId, index))) wrong.push(`server ${server}: chunk ${index} of ${partId} is not named`)
      }
    }
  }
  const elsewhere = layouts.flatMap(({ partId, servers: placed }) =>
    placed.flatMap((server, index) => (servers.includes(server) ? [] : [`chunk ${index} of ${partId} on ${server}`])),
  )
  return [...wrong, ...elsewhere]
}

function spreadTooThin({ partId, servers: placed }: PartLayout, serverCount: number): string[] {
  const most = Math.max(...placed.map((server) => placed.filter((other) => other === server).length))
  const allowed = Math.ceil(placed.length / serverCount)
  return most > allowed ? [`${partId}: ${most} chunks on one server, ${allowed} are allowed`] : []
}

function chunksOn({ partId, servers, chunkHashes }: PartLayout, server: ServerNumber) {
  return servers.flatMap((placed, index) => {
    const chunk = { partId, index, hash: chunkHashes.subarray(index * 32, (index + 1) * 32) }
    return placed === server ? [[nameOf(partId, index), chunk] as const] : []
  })
}

function nameOf(partId: PartId, index: number): string {
  return `${partId}/${index}`
}
