import { chunkIdBytes, type PartId, partIdFromBytes, type ServerNumber } from '../../../src/base/ids.ts'
import type { OpenChunkDisk } from '../../../src/storage-node/disk/chunk-disk.ts'
import { recordedHash } from '../../../src/striping/checksum.ts'
import type { PartRow, Tables } from '../catalogue/tables.ts'
import type { Injuries } from './injuries.ts'

/** References are what objects and uploads say, and what has none is doomed. */
export function wrongReferences(rows: Tables): string[] {
  const counted = new Map<PartId, number>()
  const count = (id: PartId | undefined) => id && counted.set(id, (counted.get(id) ?? 0) + 1)
  for (const { parts } of [...rows.objects.values()].flat()) for (const { partId } of parts) count(partId)
  for (const { parts } of rows.uploads.values()) for (const { partId } of parts.values()) count(partId)
  const wrong: string[] = []
  for (const [id, { refs }] of rows.parts) {
    const found = counted.get(id) ?? 0
    if (refs !== found) wrong.push(`part ${id} has ${found} references, its row says ${refs}`)
    if ((refs === 0) !== rows.doomed.has(id)) wrong.push(`part ${id} with ${refs} references: doomed, or not`)
  }
  for (const id of counted.keys()) if (!rows.parts.has(id)) wrong.push(`part ${id} is referred to and has no row`)
  return wrong
}

export interface Chunks {
  rows: Tables
  disks: ReadonlyMap<ServerNumber, OpenChunkDisk>
  injuries: Injuries
  /** `server/part/index` of chunks whose writer gave up waiting, and wrote them elsewhere. */
  givenUp: ReadonlySet<string>
}

/**
 * Every chunk is where its part's row has it, what the row says, and no other chunk is anywhere; but copies that were given
 * up while their part lives on, which nothing looks for yet.
 */
export async function wrongChunks({ rows, disks, injuries, givenUp }: Chunks): Promise<string[]> {
  const wrong: string[] = []
  const named = new Set<string>()
  for (const part of rows.parts.values()) {
    for (const [index, server] of part.layout.servers.entries()) {
      named.add(`${server}/${part.layout.partId}/${index}`)
      const why = await whatIsWrongWith(part, index, disks.get(server))
      if (why && injuries.wouldSurvive(part.layout)) {
        wrong.push(`chunk ${index} of ${part.layout.partId} on server ${server}: ${why}`)
      }
    }
  }
  for (const [server, disk] of disks) {
    for await (const batch of disk.list({})) {
      for (const { chunkId } of batch) {
        const name = `${partIdFromBytes(chunkId)}/${chunkId[16]}`
        const isNamed = named.has(`${server}/${name}`)
        if (!isNamed && !givenUp.has(`${server}/${name}`))
          wrong.push(`chunk ${name} on server ${server}: no row names it`)
      }
    }
  }
  return wrong
}

async function whatIsWrongWith({ layout }: PartRow, index: number, disk: OpenChunkDisk | undefined) {
  if (!disk) return 'its server is gone'
  try {
    const hash = await disk.verify(chunkIdBytes(layout.partId, index))
    return hash.equals(recordedHash(layout, index)) ? undefined : 'it has another hash'
  } catch (error) {
    return String(error)
  }
}
