import type { Meta } from '../../meta/connect.ts'
import { CommandFailure } from '../failure.ts'
import { withMeta } from './store-access.ts'

const PAGE_ROWS = 1000
/** Lists are read in pages, and shown up to here. */
const ROWS_MAX = 100_000

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

interface NewKey {
  account: string
  accessKey?: string
  secretKey?: string
}

export async function createKey({ account: accountName, accessKey, secretKey }: NewKey) {
  const credentials = bothOrNeither(accessKey, secretKey)
  const made = await withMeta((meta, signal) => meta.accounts.createAccessKey({ accountName, credentials }, signal), {
    needsSealingKey: true,
  })
  return { accessKeyId: made.accessKeyId, secretAccessKey: made.secretAccessKey, account: made.account.name }
}

function bothOrNeither(accessKeyId: string | undefined, secretAccessKey: string | undefined) {
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey }
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  throw new CommandFailure('--access-key and --secret-key belong together: give both or neither.', { exitCode: 2 })
}

export async function listAccounts() {
  const rows = await listAll(
    (meta, page, signal) => meta.accounts.listAccounts(page, signal),
    ({ name }) => name,
  )
  return rows.map(({ createdAt, ...account }) => ({ ...account, createdAt: createdAt.toISOString() }))
}

export async function listKeys() {
  const rows = await listAll(
    (meta, page, signal) => meta.accounts.listAccessKeys(page, signal),
    ({ accessKeyId }) => accessKeyId,
  )
  return rows.map(({ accessKeyId, accountName, status, createdAt, lastUsedAt }) => ({
    accessKeyId,
    account: accountName,
    status,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
  }))
}

type ReadPage<T> = (meta: Meta, page: { after: string; rowsMax: number }, signal: AbortSignal) => Promise<T[]>

function listAll<T>(readPage: ReadPage<T>, keyOf: (row: T) => string): Promise<T[]> {
  return withMeta(async (meta, signal) => {
    const rows: T[] = []
    for (let after = ''; rows.length < ROWS_MAX; after = keyOf(rows.at(-1)!)) {
      const page = await readPage(meta, { after, rowsMax: PAGE_ROWS }, signal)
      rows.push(...page)
      if (page.length < PAGE_ROWS) break
    }
    return rows
  })
}
