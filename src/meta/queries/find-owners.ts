import type { AccountId } from '../../base/ids.ts'
import type { OwnersQuery } from '../../engine/ports/catalogue.ts'
import { statement } from '../statement.ts'

/** Of the latest versions of keys. Index: objects_current. */
export const findOwners = ownersBy('find_owners_v1', 'o.is_latest and not o.is_delete_marker')

/** The same of versions. Index: objects_pkey. */
export const findVersionOwners = ownersBy('find_version_owners_v1', 'o.version_id = i.version_id')

/** A row for each; null: the bucket's owner. */
function ownersBy(name: string, condition: string) {
  return statement({
    name,
    text: /* sql */ `
      select o.owner_id from unnest($2::text[], $3::text[]) with ordinality as i (key, version_id, n)
        left join lateral (
          select o.access->>'ownerId' as owner_id from objects o
           where o.bucket_id = $1 and o.key = i.key and ${condition} limit 1) as o on true
       order by i.n`,
    bind: ({ bucketId, versions }: OwnersQuery) => [
      bucketId,
      versions.map(({ key }) => key),
      versions.map(({ versionId }) => versionId),
    ],
    row: (r) => (r.owner_id ?? undefined) as AccountId | undefined,
  })
}
