import type { Random } from '../base/clock.ts'
import { StoreFault } from '../base/faults.ts'
import type { AccountId } from '../base/ids.ts'
import type { AccessKey, Account } from '../base/model.ts'
import type { Database, RunOptions } from './database.ts'
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

export interface NewAccessKey {
  accountName: string
  /** Both or neither: made up if absent. */
  credentials?: { accessKeyId: string; secretAccessKey: string } | undefined
  /** A policy as JSON, kept as it is. */
  policy?: unknown
}

export type ListedAccount = Account & { email: string; createdAt: Date }

/** An access key without its secret. */
export interface ListedAccessKey {
  accessKeyId: string
  accountName: string
  status: 'active' | 'disabled'
  createdAt: Date
  lastUsedAt: Date | undefined
}

/** What the command line does with accounts. Fault of each for a bad value or a name that is taken: InvalidArgument. */
export interface Accounts {
  createAccount(account: NewAccount, signal: AbortSignal): Promise<Account>
  findAccountByName(name: string, signal: AbortSignal): Promise<Account | undefined>
  /** Names > `after`, in order. */
  listAccounts(page: Page, signal: AbortSignal): Promise<ListedAccount[]>
  createAccessKey(key: NewAccessKey, signal: AbortSignal): Promise<AccessKey>
  /** Ids > `after`, in order. */
  listAccessKeys(page: Page, signal: AbortSignal): Promise<ListedAccessKey[]>
  /** False: there was none. Gateways notice within their key cache's time. */
  deleteAccessKey(accessKeyId: string, signal: AbortSignal): Promise<boolean>
  /** The root account, made if there is none, with this key in place of the one that the settings gave before. */
  ensureRoot(credentials: { accessKeyId: string; secretAccessKey: string }, signal: AbortSignal): Promise<Account>
}

export interface Page {
  after: string
  rowsMax: number
}

const ACCESS_KEY_ID = /^[\w.-]{3,128}$/
/** Printable ASCII: what SDKs and configuration files carry unharmed. */
const SECRET = /^[\x21-\x7e]{8,256}$/
const NAME = /^[^\p{Cc}]{1,128}$/u
const ID_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

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
    async createAccessKey({ accountName, credentials, policy }, signal) {
      const [account] = await database.run(sql.findAccountByName, accountName, again(signal))
      if (!account) {
        throw new StoreFault('InvalidArgument', {
          name: 'account',
          value: accountName,
          reason: 'There is no such account.',
        })
      }
      const { accessKeyId, secretAccessKey } = credentials ?? makeCredentials(random)
      checkCredentials({ accessKeyId, secretAccessKey })
      const sealedSecret = sealer().seal(secretAccessKey, accessKeyId)
      const row = { accessKeyId, accountId: account.id, sealedSecret, policy }
      const [made] = await database.run(sql.insertAccessKey, row, once(signal))
      if (!made) throw taken('access key id', accessKeyId)
      return { accessKeyId, secretAccessKey, account }
    },
    listAccessKeys: (page, signal) => database.run(sql.listAccessKeys, page, again(signal)),
    async deleteAccessKey(accessKeyId, signal) {
      return (await database.run(sql.deleteAccessKey, accessKeyId, once(signal))).length > 0
    },
    async ensureRoot({ accessKeyId, secretAccessKey }, signal) {
      checkCredentials({ accessKeyId, secretAccessKey })
      const root = await findRoot(signal)
      const row = { accessKeyId, accountId: root.id, sealedSecret: sealer().seal(secretAccessKey, accessKeyId) }
      const replaced = await database.run(sql.replaceRootKey, row, again(signal))
      if (replaced.length === 0) throw taken('access key id', accessKeyId)
      return root
    },
  }
}

function makeCredentials(random: Random): { accessKeyId: string; secretAccessKey: string } {
  const letters = [...random.bytes(16)].map((byte) => ID_LETTERS[byte % ID_LETTERS.length])
  return { accessKeyId: `SXAK${letters.join('')}`, secretAccessKey: random.bytes(30).toString('base64') }
}

function checkCredentials({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }): void {
  check('access key id', accessKeyId, ACCESS_KEY_ID, '3 to 128 letters, digits, dots, dashes and underscores')
  if (!SECRET.test(secretAccessKey)) {
    const reason = 'The secret access key must be 8 to 256 printable ASCII characters without spaces.'
    throw new StoreFault('InvalidArgument', { name: 'secret access key', reason })
  }
}

function check(name: string, value: string, pattern: RegExp, rule: string): void {
  if (pattern.test(value)) return
  throw new StoreFault('InvalidArgument', { name, value: value.slice(0, 200), reason: `The ${name} must be ${rule}.` })
}

function taken(name: string, value: string): StoreFault {
  return new StoreFault('InvalidArgument', { name, value, reason: `This ${name} is taken.` })
}
