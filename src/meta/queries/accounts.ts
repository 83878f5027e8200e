import type { AccountId } from '../../base/ids.ts'
import type { Account } from '../../base/model.ts'
import { type Row, statement } from '../statement.ts'

const accountColumns = 'a.account_id, a.name, a.display_name, a.is_root'

function toAccount(r: Row): Account {
  return {
    id: r.account_id as AccountId,
    name: r.name as string,
    displayName: r.display_name as string,
    isRoot: r.is_root as boolean,
  }
}

export const findAccount = statement({
  name: 'find_account_v1',
  text: `select ${accountColumns} from accounts a where a.account_id = $1`,
  bind: (id: AccountId) => [id],
  row: toAccount,
})

export const findAccountByName = statement({
  name: 'find_account_by_name_v1',
  text: `select ${accountColumns} from accounts a where a.name = $1`,
  bind: (name: string) => [name],
  row: toAccount,
})

/** No row: the id or the name is taken. */
export const insertAccount = statement({
  name: 'insert_account_v1',
  text: /* sql */ `
    insert into accounts as a (account_id, name, display_name, email, is_root) values ($1, $2, $3, $4, $5)
    on conflict do nothing returning ${accountColumns}`,
  bind: (a: Account & { email: string }) => [a.id, a.name, a.displayName, a.email, a.isRoot],
  row: toAccount,
})

export const listAccounts = statement({
  name: 'list_accounts_v1',
  text: `select ${accountColumns}, a.email, a.created_at from accounts a where a.name > $1 order by a.name limit $2`,
  bind: (q: { after: string; rowsMax: number }) => [q.after, q.rowsMax],
  row: (r) => ({ ...toAccount(r), email: r.email as string, createdAt: r.created_at as Date }),
})

export const findRoot = statement({
  name: 'find_root_v1',
  text: `select ${accountColumns} from accounts a where a.is_root`,
  bind: (_: undefined) => [],
  row: toAccount,
})

export const findAccessKey = statement({
  name: 'find_access_key_v1',
  text: /* sql */ `
    select k.access_key_id, k.sealed_secret, ${accountColumns}
      from access_keys k join accounts a on a.account_id = k.account_id
     where k.access_key_id = $1 and k.status = 'active' and k.expires_at > clock_timestamp()`,
  bind: (accessKeyId: string) => [accessKeyId],
  row: (r) => ({
    accessKeyId: r.access_key_id as string,
    sealedSecret: r.sealed_secret as Buffer,
    account: toAccount(r),
  }),
})

export interface NewKey {
  accessKeyId: string
  accountId: AccountId
  sealedSecret: Buffer
  policy: unknown
}

/** No row: the id is taken. */
export const insertAccessKey = statement({
  name: 'insert_access_key_v1',
  text: /* sql */ `
    insert into access_keys (access_key_id, account_id, sealed_secret, policy, origin) values ($1, $2, $3, $4, 'command')
    on conflict do nothing returning access_key_id`,
  bind: (k: NewKey) => [
    k.accessKeyId,
    k.accountId,
    k.sealedSecret,
    k.policy === undefined ? null : JSON.stringify(k.policy),
  ],
  row: (r) => r.access_key_id as string,
})

export const listAccessKeys = statement({
  name: 'list_access_keys_v1',
  text: /* sql */ `
    select k.access_key_id, k.status, k.created_at, k.last_used_at, a.name as account_name
      from access_keys k join accounts a on a.account_id = k.account_id
     where k.access_key_id > $1 order by k.access_key_id limit $2`,
  bind: (q: { after: string; rowsMax: number }) => [q.after, q.rowsMax],
  row: (r) => ({
    accessKeyId: r.access_key_id as string,
    accountName: r.account_name as string,
    status: r.status as 'active' | 'disabled',
    createdAt: r.created_at as Date,
    lastUsedAt: (r.last_used_at ?? undefined) as Date | undefined,
  }),
})

export const deleteAccessKey = statement({
  name: 'delete_access_key_v1',
  text: 'delete from access_keys where access_key_id = $1 returning access_key_id',
  bind: (accessKeyId: string) => [accessKeyId],
  row: () => true,
})

/** The root key that the settings give, in place of the one that they gave before. No row: another account has this id. */
export const replaceRootKey = statement({
  name: 'replace_root_key_v1',
  text: /* sql */ `
    with before as (
      delete from access_keys where account_id = $2 and origin = 'settings' and access_key_id <> $1
    )
    insert into access_keys as k (access_key_id, account_id, sealed_secret, origin) values ($1, $2, $3, 'settings')
    on conflict (access_key_id) do update set sealed_secret = excluded.sealed_secret, origin = 'settings', status = 'active'
     where k.account_id = excluded.account_id
    returning access_key_id`,
  bind: (k: Omit<NewKey, 'policy'>) => [k.accessKeyId, k.accountId, k.sealedSecret],
  row: () => true,
})
