import type { Encryption } from '../../base/encryption.ts'
import type { BucketId, ObjectKey, UploadId, VersionId } from '../../base/ids.ts'
import type { ObjectName, ObjectSeal, Resealed, UploadSeal } from '../../engine/ports/sealed-keys.ts'
import { NIL_UUID } from '../rows.ts'
import { statement } from '../statement.ts'

export const currentGeneration = statement({
  name: 'current_key_generation_v1',
  text: 'select coalesce(max(generation), 1) as generation from key_generations',
  bind: (_: undefined) => [],
  row: (r) => r.generation as number,
})

/** Two at once: the second fails, and nothing has to be undone. */
export const addGeneration = statement({
  name: 'add_key_generation_v1',
  text: /* sql */ `
    insert into key_generations (generation) select coalesce(max(generation), 1) + 1 from key_generations
    returning generation`,
  bind: (_: undefined) => [],
  row: (r) => r.generation as number,
})

/** Index: objects_encrypted. */
export const listObjectKeys = statement({
  name: 'list_object_keys_v1',
  text: /* sql */ `
    select o.bucket_id, o.key, o.version_id, o.encryption from objects o
     where o.encryption is not null and (o.bucket_id, o.key, o.version_id) > ($1, $2, $3)
     order by o.bucket_id, o.key, o.version_id limit $4`,
  bind: (q: { after: ObjectName | undefined; rowsMax: number }) => [
    q.after?.bucketId ?? 0,
    q.after?.key ?? '',
    q.after?.versionId ?? '',
    q.rowsMax,
  ],
  row: (r): ObjectSeal => ({
    bucketId: Number(r.bucket_id) as BucketId,
    key: r.key as ObjectKey,
    versionId: r.version_id as VersionId,
    encryption: r.encryption as Encryption,
  }),
})

export const listUploadKeys = statement({
  name: 'list_upload_keys_v1',
  text: /* sql */ `
    select s.upload_id, s.encryption from upload_sessions s
     where s.encryption is not null and s.upload_id > $1::uuid order by s.upload_id limit $2`,
  bind: (q: { after: Pick<UploadSeal, 'uploadId'> | undefined; rowsMax: number }) => [
    q.after?.uploadId ?? NIL_UUID,
    q.rowsMax,
  ],
  row: (r): UploadSeal => ({ uploadId: r.upload_id as UploadId, encryption: r.encryption as Encryption }),
})

/** Index: objects_pkey. */
export const replaceObjectKeys = statement({
  name: 'replace_object_keys_v1',
  text: /* sql */ `
    update objects o set encryption = i.after::jsonb
      from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) as i (bucket_id, key, version_id, before, after)
     where o.bucket_id = i.bucket_id and o.key = i.key and o.version_id = i.version_id and o.encryption = i.before::jsonb`,
  bind: (changes: readonly (ObjectSeal & Resealed)[]) => [
    changes.map((c) => c.bucketId),
    changes.map((c) => c.key),
    changes.map((c) => c.versionId),
    changes.map((c) => JSON.stringify(c.encryption)),
    changes.map((c) => JSON.stringify(c.resealed)),
  ],
  row: () => undefined,
})

export const replaceUploadKeys = statement({
  name: 'replace_upload_keys_v1',
  text: /* sql */ `
    update upload_sessions s set encryption = i.after::jsonb
      from unnest($1::uuid[], $2::text[], $3::text[]) as i (upload_id, before, after)
     where s.upload_id = i.upload_id and s.encryption = i.before::jsonb`,
  bind: (changes: readonly (UploadSeal & Resealed)[]) => [
    changes.map((c) => c.uploadId),
    changes.map((c) => JSON.stringify(c.encryption)),
    changes.map((c) => JSON.stringify(c.resealed)),
  ],
  row: () => undefined,
})
