import type { Random } from '../base/clock.ts'
import type { AccountId } from '../base/ids.ts'
import type { Account } from '../base/model.ts'
import { check, checkCredentials, taken } from './account-rules.ts'
import type { Database, RunOptions } from './database.ts'
import { replaceRootKey } from './queries/access-keys.ts'
import * as sql from './queries/accounts.ts'
import type { Sealer } from './seal.ts'

export interface NewAccount {
  name: string
  /** S3's canonical user id, 64 hex digits; made up if absent. */
  id?: string | undefined
  /** The name, if absent. */
  displayName?: string | undefined
  email?: string | undefined
}

export type ListedAccount = Account & { email: string; createdAt: Date }

/** What the command line does with accounts. Fault of each for a bad value or a name that is taken: InvalidArgument. */
export interface Accounts {
  createAccount(account: NewAccount, signal: AbortSignal): Promise<Account>
  findAccountByName(name: string, signal: AbortSignal): Promise<Account | undefined>
  /** Names > `after`, in order. */
  listAccounts(page: Page, signal: AbortSignal): Promise<ListedAccount[]>
  /** The root account, made if there is none, with this key in place of the one that the settings gave before. */
  ensureRoot(credentials: { accessKeyId: string; secretAccessKey: string }, signal: AbortSignal): Promise<Account>
}

export interface Page {
  after: string
  rowsMax: number
}

const NAME = /^[^\p{Cc}]{1,128}$/u

export function accounts(database: Database, sealer: () => Sealer, random: Random): Accounts {
  const once = (signal: AbortSignal): RunOptions => ({ signal, repeatable: false })
  const again = (signal: AbortSignal): RunOptions => ({ signal, repeatable: true })

  async function insertAccount(
    account: NewAccount,
    isRoot: boolean,
    signal: AbortSignal,
  ): Promise<Account | undefined> {
    const { name, id = random.bytes(32).toString('hex'), displayName = name, email = '' } = account
    check('name', name, NAME, 'up to 128 characters')
    check('display name', displayName, NAME, 'up to 128 characters')
    check('id', id, /^[0-9a-f]{64}$/, '64 hex digits')
    const row = { id: id as AccountId, name, displayName, email, isRoot }
    return (await database.run(sql.insertAccount, row, once(signal)))[0]
  }

  async function findRoot(signal: AbortSignal): Promise<Account> {
    const [found] = await database.run(sql.findRoot, undefined, again(signal))
    if (found) return found
    const made = await insertAccount({ name: 'root' }, true, signal)
    if (made) return made
    const [theirs] = await database.run(sql.findRoot, undefined, again(signal)) // somebody was quicker
    if (!theirs) throw taken('name', 'root')
    return theirs
  }

  return {
    async createAccount(account, signal) {
      const made = await insertAccount(account, false, signal)
      if (!made) throw taken('name or id', account.name)
      return made
    },
    findAccountByName: async (name, signal) => (await database.run(sql.findAccountByName, name, again(signal)))[0],
    listAccounts: (page, signal) => database.run(sql.listAccounts, page, again(signal)),
    async ensureRoot({ accessKeyId, secretAccessKey }, signal) {
      checkCredentials({ accessKeyId, secretAccessKey })
      const root = await findRoot(signal)
      const row = { accessKeyId, accountId: root.id, sealedSecret: sealer().seal(secretAccessKey, accessKeyId) }
      const replaced = await database.run(replaceRootKey, row, again(signal))
      if (replaced.length === 0) throw taken('access key id', accessKeyId)
      return root
    },
  }
}
