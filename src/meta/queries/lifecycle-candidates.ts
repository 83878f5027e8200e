import type { ObjectKey } from '../../base/ids.ts'
import type { TagSet } from '../../base/model.ts'
import type { Candidate, CandidateQuery, ExpiryKind } from '../../upkeep/ports/lifecycle.ts'
import { NIL_UUID } from '../rows.ts'
import { type Row, type Statement, statement } from '../statement.ts'

/** In order of key, from `after` on. Index: objects_current. */
const current = statement({
  name: 'list_expiring_objects_v1',
  text: /* sql */ `
    select o.key, o.version_id as id, o.seq, o.committed_at as made_at, o.committed_at as since, o.size_bytes, o.tags,
           0 as newer, false as is_alone
      from objects o
     where o.bucket_id = $1 and o.is_latest and not o.is_delete_marker
       and o.key >= $2 and o.key < prefix_end_v1($2) and o.key > $3
     order by o.key limit $4`,
  bind: byKey,
  row: toCandidate,
})

/** Whether they are alone is asked of each: a page's cost is bounded. Indexes: objects_marked, objects_former. */
const marker = statement({
  name: 'list_expiring_markers_v1',
  text: /* sql */ `
    select o.key, o.version_id as id, o.seq, o.committed_at as made_at, o.committed_at as since, 0 as size_bytes,
           null::jsonb as tags, 0 as newer, newer_versions_v1(o.bucket_id, o.key, -1, 1) = 0 as is_alone
      from objects o
     where o.bucket_id = $1 and o.is_latest and o.is_delete_marker
       and o.key >= $2 and o.key < prefix_end_v1($2) and o.key > $3
     order by o.key limit $4`,
  bind: byKey,
  row: toCandidate,
})

/**
 * From the last key to the first, of each the oldest first: what goes changes nothing for those that are younger. First
 * what is left of the key at which the last page ended. Index: objects_former.
 */
const former = statement({
  name: 'list_expiring_versions_v1',
  text: /* sql */ `
    select f.*, replaced_at_v1($1, f.key, f.seq) as since, newer_versions_v1($1, f.key, f.seq, $5) as newer,
           false as is_alone
      from (
        (select o.key, o.version_id as id, o.seq, o.committed_at as made_at, o.size_bytes, o.tags from objects o
          where o.bucket_id = $1 and not o.is_latest and o.key = $3 and o.seq > $4
          order by o.seq limit $6)
        union all
        (select o.key, o.version_id, o.seq, o.committed_at, o.size_bytes, o.tags from objects o
          where o.bucket_id = $1 and not o.is_latest
            and o.key >= $2 and o.key < prefix_end_v1($2) and o.key < $3
          order by o.key desc, o.seq limit $6)
      ) as f
     order by f.key desc, f.seq limit $6`,
  bind: ({ bucketId, prefix, after, keepMax, rowsMax }: CandidateQuery) => [
    bucketId,
    prefix,
    after?.key ?? ABOVE_ALL_KEYS,
    after?.seq ?? '0',
    keepMax,
    rowsMax,
  ],
  row: toCandidate,
})

/** Index: upload_sessions_listed. */
const upload = statement({
  name: 'list_expiring_uploads_v1',
  text: /* sql */ `
    select s.key, s.upload_id as id, 0 as seq, s.initiated_at as made_at, s.initiated_at as since, 0 as size_bytes,
           null::jsonb as tags, 0 as newer, false as is_alone
      from upload_sessions s
     where s.bucket_id = $1 and s.kind = 'multipart' and s.state = 'open'
       and s.key >= $2 and s.key < prefix_end_v1($2) and (s.key, s.initiated_at, s.upload_id) > ($3, $4, $5)
     order by s.key, s.initiated_at, s.upload_id limit $6`,
  bind: ({ bucketId, prefix, after, rowsMax }: CandidateQuery) => [
    bucketId,
    prefix,
    after?.key ?? '',
    new Date(after?.madeMs ?? 0),
    after?.id ?? NIL_UUID,
    rowsMax,
  ],
  row: toCandidate,
})

export const listCandidates: Readonly<Record<ExpiryKind, Statement<CandidateQuery, Candidate>>> = {
  current,
  former,
  marker,
  upload,
}

/** As prefix_end_v1 answers for the prefix of all keys. */
const ABOVE_ALL_KEYS = String.fromCodePoint(0x10_ffff).repeat(257)

function byKey({ bucketId, prefix, after, rowsMax }: CandidateQuery): unknown[] {
  return [bucketId, prefix, after?.key ?? '', rowsMax]
}

function toCandidate(r: Row): Candidate {
  return {
    key: r.key as ObjectKey,
    id: r.id as string,
    seq: String(r.seq),
    madeAt: r.made_at as Date,
    since: r.since as Date,
    sizeBytes: Number(r.size_bytes),
    tags: (r.tags ?? undefined) as TagSet | undefined,
    newer: r.newer as number,
    isAlone: r.is_alone as boolean,
  }
}
