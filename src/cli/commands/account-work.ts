import { listAll } from './list-all.ts'
import { withMeta } from './store-access.ts'

interface NewAccount {
  name: string
  id?: string
  displayName?: string
  email?: string
}

export async function createAccount({ name, id, displayName, email }: NewAccount) {
  const account = { name, id, displayName, email }
  const made = await withMeta((meta, signal) => meta.accounts.createAccount(account, signal))
  return { id: made.id, name: made.name, displayName: made.displayName }
}

export async function listAccounts() {
  const rows = await listAll(
    (meta, page, signal) => meta.accounts.listAccounts(page, signal),
    ({ name }) => name,
  )
  return rows.map(({ createdAt, ...account }) => ({ ...account, createdAt: createdAt.toISOString() }))
}
