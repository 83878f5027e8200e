import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { ChunkName } from '../../engine/ports/chunk-store.ts'
import type { Restore } from '../../upkeep/ports/restores.ts'
import { statement } from '../statement.ts'

/** A row, if the server knows of no more heartbeats than this database. */
export const compareBeats = statement({
  name: 'compare_beats_v1',
  text: 'select s.server_number from storage_servers s where s.server_number = $1 and s.beats >= $2',
  bind: (q: { server: ServerNumber; beats: number }) => [q.server, q.beats],
  row: () => true,
})

export const listRestores = statement({
  name: 'list_restores_v1',
  text: /* sql */ `
    select r.kind, r.restored_at, r.taken_at, r.session_floor, r.server_numbers from catalogue_restores r
     where r.released_at is null order by r.restore_id`,
  bind: (_: undefined) => [],
  row: (r): Restore => ({
    kind: r.kind as Restore['kind'],
    restoredAt: r.restored_at as Date,
    takenAt: (r.taken_at ?? undefined) as Date | undefined,
    sessionFloor: r.session_floor as number,
    servers: r.server_numbers as ServerNumber[],
  }),
})

export const releaseRestores = statement({
  name: 'release_restores_v1',
  text: 'update catalogue_restores set released_at = clock_timestamp() where released_at is null returning restore_id',
  bind: (_: undefined) => [],
  row: () => true,
})

/** Index: parts_pkey, stray_chunks_pkey, upload_sessions_of_gateways. */
export const claimOrphans = statement({
  name: 'claim_orphans_v1',
  text: 'select part_id, chunk_number, is_stray from claim_orphans_v1($1, $2, $3)',
  bind: (q: { server: ServerNumber; chunks: readonly ChunkName[] }) => [
    q.server,
    q.chunks.map((c) => c.partId),
    q.chunks.map((c) => c.index),
  ],
  row: (r) => ({
    partId: r.part_id as PartId,
    index: r.chunk_number as number,
    isStray: r.is_stray as boolean,
  }),
})
