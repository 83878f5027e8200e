import type { AccountId } from '../../base/ids.ts'
import type { Account } from '../../base/model.ts'
import { type Row, statement } from '../statement.ts'

export const accountColumns = 'a.account_id, a.name, a.display_name, a.is_root'

export function toAccount(r: Row): Account {
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

/** One row, or two of several. Index: accounts_by_email. */
export const findAccountsByEmail = statement({
  name: 'find_accounts_by_email_v1',
  text: `select ${accountColumns} from accounts a where a.email = $1 and a.email <> '' limit 2`,
  bind: (email: string) => [email],
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
