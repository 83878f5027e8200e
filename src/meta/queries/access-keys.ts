import type { AccountId } from '../../base/ids.ts'
import type { RateLimits } from '../../base/model.ts'
import { type Row, statement } from '../statement.ts'
import { accountColumns, toAccount } from './accounts.ts'

/** PostgreSQL's infinity comes as the number. */
function timeOrNever(value: unknown): Date | undefined {
  return value instanceof Date ? value : undefined
}

export const findAccessKey = statement({
  name: 'find_access_key_v5',
  text: /* sql */ `
    select k.access_key_id, k.sealed_secret, k.former_secret, k.former_until, k.expires_at, k.policy::text as policy,
           k.allowed_from, k.limits, ${accountColumns}
      from access_keys k join accounts a on a.account_id = k.account_id
     where k.access_key_id = $1 and k.status = 'active'`,
  bind: (accessKeyId: string) => [accessKeyId],
  row: (r) => ({
    sealedSecret: r.sealed_secret as Buffer,
    former:
      r.former_secret === null ? undefined : { sealedSecret: r.former_secret as Buffer, until: r.former_until as Date },
    expiresAt: timeOrNever(r.expires_at),
    allowedFrom: (r.allowed_from ?? undefined) as string[] | undefined,
    limits: (r.limits ?? undefined) as RateLimits | undefined,
    account: toAccount(r),
    policy: (r.policy ?? undefined) as string | undefined,
  }),
})

export interface NewKey {
  accessKeyId: string
  accountId: AccountId
  sealedSecret: Buffer
  policy: string | undefined
  expiresAt: Date | undefined
}

/** No row: the id is taken. */
export const insertAccessKey = statement({
  name: 'insert_access_key_v3',
  text: /* sql */ `
    insert into access_keys (access_key_id, account_id, sealed_secret, policy, expires_at, origin)
    values ($1, $2, $3, $4, coalesce($5::timestamptz, 'infinity'), 'command')
    on conflict do nothing returning policy::text as policy`,
  bind: (k: NewKey) => [k.accessKeyId, k.accountId, k.sealedSecret, k.policy ?? null, k.expiresAt ?? null],
  row: (r) => ({ policy: (r.policy ?? undefined) as string | undefined }),
})

const LISTED = /* sql */ `
  select k.access_key_id, k.status, k.origin, k.created_at, k.expires_at, k.last_used_at, k.policy::text as policy, k.allowed_from, k.limits,
         case when k.former_until > now() then k.former_until end as former_until, a.name as account_name
    from access_keys k join accounts a on a.account_id = k.account_id`

function toListedKey(r: Row) {
  return {
    accessKeyId: r.access_key_id as string,
    accountName: r.account_name as string,
    status: r.status as 'active' | 'disabled',
    isOfSettings: r.origin === 'settings',
    createdAt: r.created_at as Date,
    expiresAt: timeOrNever(r.expires_at),
    lastUsedAt: timeOrNever(r.last_used_at),
    formerSecretUntil: timeOrNever(r.former_until),
    policy: (r.policy ?? undefined) as string | undefined,
    allowedFrom: (r.allowed_from ?? undefined) as string[] | undefined,
    limits: (r.limits ?? undefined) as RateLimits | undefined,
  }
}

export const listAccessKeys = statement({
  name: 'list_access_keys_v5',
  text: `${LISTED} where k.access_key_id > $1 order by k.access_key_id limit $2`,
  bind: (q: { after: string; rowsMax: number }) => [q.after, q.rowsMax],
  row: toListedKey,
})

export const findListedAccessKey = statement({
  name: 'find_listed_access_key_v4',
  text: `${LISTED} where k.access_key_id = $1`,
  bind: (accessKeyId: string) => [accessKeyId],
  row: toListedKey,
})

/** Gateways hear of it when it is committed. */
const telling = (change: string) => /* sql */ `
  with changed as (${change} returning access_key_id)
  select access_key_id, pg_notify('sextant_keys', access_key_id) from changed`

/** No row of any of these: there is no such key. */
export const setAccessKeyPolicy = statement({
  name: 'set_access_key_policy_v2',
  text: telling('update access_keys set policy = $2::jsonb where access_key_id = $1'),
  bind: (k: { accessKeyId: string; policy: string | undefined }) => [k.accessKeyId, k.policy ?? null],
  row: () => true,
})

export const setAccessKeyStatus = statement({
  name: 'set_access_key_status_v1',
  text: telling('update access_keys set status = $2 where access_key_id = $1'),
  bind: (k: { accessKeyId: string; status: 'active' | 'disabled' }) => [k.accessKeyId, k.status],
  row: () => true,
})

export const setAccessKeyAllowedFrom = statement({
  name: 'set_access_key_allowed_from_v1',
  text: telling('update access_keys set allowed_from = $2::text[] where access_key_id = $1'),
  bind: (k: { accessKeyId: string; allowedFrom: readonly string[] | undefined }) => [
    k.accessKeyId,
    k.allowedFrom ?? null,
  ],
  row: () => true,
})

export const setAccessKeyLimits = statement({
  name: 'set_access_key_limits_v1',
  text: telling('update access_keys set limits = $2::jsonb where access_key_id = $1'),
  bind: (k: { accessKeyId: string; limits: RateLimits | undefined }) => [
    k.accessKeyId,
    k.limits ? JSON.stringify(k.limits) : null,
  ],
  row: () => true,
})

export const setAccessKeyExpiry = statement({
  name: 'set_access_key_expiry_v1',
  text: telling(`update access_keys set expires_at = coalesce($2::timestamptz, 'infinity') where access_key_id = $1`),
  bind: (k: { accessKeyId: string; expiresAt: Date | undefined }) => [k.accessKeyId, k.expiresAt ?? null],
  row: () => true,
})

/** The secret that it had is good until `formerUntil`; one that had been kept before is not any more. */
export const rotateAccessKey = statement({
  name: 'rotate_access_key_v1',
  text: telling(/* sql */ `
    update access_keys set sealed_secret = $2, former_secret = sealed_secret, former_until = $3 where access_key_id = $1`),
  bind: (k: { accessKeyId: string; sealedSecret: Buffer; formerUntil: Date }) => [
    k.accessKeyId,
    k.sealedSecret,
    k.formerUntil,
  ],
  row: () => true,
})

export const deleteAccessKey = statement({
  name: 'delete_access_key_v2',
  text: telling('delete from access_keys where access_key_id = $1'),
  bind: (accessKeyId: string) => [accessKeyId],
  row: () => true,
})

/** Never back in time: several gateways write. */
export const noteKeyUses = statement({
  name: 'note_key_uses_v1',
  text: /* sql */ `
    update access_keys k set last_used_at = u.used_at
      from unnest($1::text[], $2::timestamptz[]) as u (access_key_id, used_at)
     where k.access_key_id = u.access_key_id and (k.last_used_at is null or k.last_used_at < u.used_at)`,
  bind: (uses: readonly { accessKeyId: string; usedAt: Date }[]) => [
    uses.map((use) => use.accessKeyId),
    uses.map((use) => use.usedAt),
  ],
  row: () => true,
})

/**
 * The root key that the settings give, in place of the one that they gave before. One that was disabled stays so. No row:
 * another account has this id.
 */
export const replaceRootKey = statement({
  name: 'replace_root_key_v2',
  text: /* sql */ `
    with replaced as (
      insert into access_keys as k (access_key_id, account_id, sealed_secret, origin) values ($1, $2, $3, 'settings')
      on conflict (access_key_id) do update
        set sealed_secret = excluded.sealed_secret, former_secret = null, former_until = null, origin = 'settings'
       where k.account_id = excluded.account_id
      returning access_key_id
    ), before as (
      delete from access_keys where account_id = $2 and origin = 'settings' and access_key_id <> $1
         and exists (select from replaced)
      returning access_key_id
    ), told as (
      select pg_notify('sextant_keys', access_key_id) from (select * from before union all select * from replaced) as changed
    )
    select access_key_id, (select count(*) from told) from replaced`,
  bind: (k: Pick<NewKey, 'accessKeyId' | 'accountId' | 'sealedSecret'>) => [k.accessKeyId, k.accountId, k.sealedSecret],
  row: () => true,
})
