import { parseAddressList } from '../base/address-list.ts'
import type { Clock, Random } from '../base/clock.ts'
import { StoreFault } from '../base/faults.ts'
import type { AccessKey, RateLimits } from '../base/model.ts'
import { type Credentials, checkCredentials, makeCredentials, taken } from './account-rules.ts'
import type { Database, RunOptions } from './database.ts'
import * as sql from './queries/access-keys.ts'
import { findAccountByName } from './queries/accounts.ts'
import type { Sealer } from './seal.ts'

export interface NewAccessKey {
  accountName: string
  /** Both or neither: made up if absent. */
  credentials?: Credentials | undefined
  /** What bounds it, as JSON. */
  policy?: string | undefined
  /** Never if absent. */
  expiresAt?: Date | undefined
}

/** An access key without its secret. */
export interface ListedAccessKey {
  accessKeyId: string
  accountName: string
  status: 'active' | 'disabled'
  /** The root key that the environment gives: every start of the store sets it again. */
  isOfSettings: boolean
  createdAt: Date
  expiresAt: Date | undefined
  /** To within some minutes. */
  lastUsedAt: Date | undefined
  /** The secret before this one is good until then. */
  formerSecretUntil: Date | undefined
  /** As JSON. */
  policy: string | undefined
  /** Addresses and CIDR blocks; undefined: anywhere. */
  allowedFrom: string[] | undefined
  /** In place of what the settings say. */
  limits: RateLimits | undefined
}

/**
 * What the command line does with access keys. Gateways heed a change at once where they hear of it (NOTIFY), else within
 * their key cache's time. «False», or undefined: there was no such key.
 */
export interface AccessKeyControl {
  /** Fault: InvalidArgument (no such account, a bad value, an id that is taken). */
  create(key: NewAccessKey, signal: AbortSignal): Promise<AccessKey>
  /** Ids > `after`, in order. */
  list(page: { after: string; rowsMax: number }, signal: AbortSignal): Promise<ListedAccessKey[]>
  find(accessKeyId: string, signal: AbortSignal): Promise<ListedAccessKey | undefined>
  /**
   * Gives it another secret, made up if absent; the one that it has is taken for `graceMs` yet. Fault: InvalidArgument (a
   * bad secret, or the root key of the settings, which would have its secret back at the next start).
   */
  rotate(change: Rotation, signal: AbortSignal): Promise<RotatedKey | undefined>
  /** Another policy, or none (undefined). */
  setPolicy(change: { accessKeyId: string; policy: string | undefined }, signal: AbortSignal): Promise<boolean>
  setStatus(change: { accessKeyId: string; status: 'active' | 'disabled' }, signal: AbortSignal): Promise<boolean>
  /** Addresses and CIDR blocks; undefined: anywhere. Fault: InvalidArgument. */
  setAllowedFrom(
    change: { accessKeyId: string; allowedFrom: readonly string[] | undefined },
    signal: AbortSignal,
  ): Promise<boolean>
  /** In place of what the settings say; undefined: as they say. */
  setLimits(change: { accessKeyId: string; limits: RateLimits | undefined }, signal: AbortSignal): Promise<boolean>
  /** Undefined: never. */
  setExpiry(change: { accessKeyId: string; expiresAt: Date | undefined }, signal: AbortSignal): Promise<boolean>
  /** Fault: InvalidArgument (the root key of the settings, which would be back at the next start). */
  delete(accessKeyId: string, signal: AbortSignal): Promise<boolean>
}

interface Rotation {
  accessKeyId: string
  secretAccessKey?: string | undefined
  graceMs: number
}

export interface RotatedKey extends Credentials {
  formerUntil: Date
}

interface ControlDeps {
  database: Database
  sealer: () => Sealer
  random: Random
  clock: Clock
}

export function accessKeyControl({ database, sealer, random, clock }: ControlDeps): AccessKeyControl {
  const once = (signal: AbortSignal): RunOptions => ({ signal, repeatable: false })
  const again = (signal: AbortSignal): RunOptions => ({ signal, repeatable: true })

  async function find(accessKeyId: string, signal: AbortSignal): Promise<ListedAccessKey | undefined> {
    return (await database.run(sql.findListedAccessKey, accessKeyId, again(signal)))[0]
  }

  /** Answers whether there is such a key. */
  async function refuseOfSettings(accessKeyId: string, signal: AbortSignal): Promise<boolean> {
    const found = await find(accessKeyId, signal)
    if (found?.isOfSettings) throw ofSettings(accessKeyId)
    return found !== undefined
  }

  return {
    async create({ accountName, credentials = makeCredentials(random), policy, expiresAt }, signal) {
      const [account] = await database.run(findAccountByName, accountName, again(signal))
      if (!account) {
        const reason = 'There is no such account.'
        throw new StoreFault('InvalidArgument', { name: 'account', value: accountName, reason })
      }
      checkCredentials(credentials)
      const { accessKeyId, secretAccessKey } = credentials
      const sealedSecret = sealer().seal(secretAccessKey, accessKeyId)
      const row = { accessKeyId, accountId: account.id, sealedSecret, policy, expiresAt }
      const [made] = await database.run(sql.insertAccessKey, row, once(signal))
      if (!made) throw taken('access key id', accessKeyId)
      return { accessKeyId, secretAccessKey, account, policy: made.policy, expiresAt }
    },
    list: (page, signal) => database.run(sql.listAccessKeys, page, again(signal)),
    find,
    async rotate({ accessKeyId, graceMs, secretAccessKey = makeCredentials(random).secretAccessKey }, signal) {
      if (!(await refuseOfSettings(accessKeyId, signal))) return undefined
      checkCredentials({ accessKeyId, secretAccessKey })
      const sealedSecret = sealer().seal(secretAccessKey, accessKeyId)
      const formerUntil = new Date(clock.nowMs() + graceMs)
      const rows = await database.run(sql.rotateAccessKey, { accessKeyId, sealedSecret, formerUntil }, once(signal))
      return rows.length > 0 ? { accessKeyId, secretAccessKey, formerUntil } : undefined
    },
    setPolicy: async (change, signal) => (await database.run(sql.setAccessKeyPolicy, change, again(signal))).length > 0,
    setStatus: async (change, signal) => (await database.run(sql.setAccessKeyStatus, change, again(signal))).length > 0,
    async setAllowedFrom(change, signal) {
      if (change.allowedFrom && !parseAddressList(change.allowedFrom)) {
        const reason = 'Addresses and CIDR blocks are written like 192.0.2.7, 10.0.0.0/8 and 2001:db8::/32.'
        throw new StoreFault('InvalidArgument', { name: 'addresses', value: change.allowedFrom.join(','), reason })
      }
      return (await database.run(sql.setAccessKeyAllowedFrom, change, again(signal))).length > 0
    },
    setLimits: async (change, signal) => (await database.run(sql.setAccessKeyLimits, change, again(signal))).length > 0,
    setExpiry: async (change, signal) => (await database.run(sql.setAccessKeyExpiry, change, again(signal))).length > 0,
    async delete(accessKeyId, signal) {
      if (!(await refuseOfSettings(accessKeyId, signal))) return false
      return (await database.run(sql.deleteAccessKey, accessKeyId, once(signal))).length > 0
    },
  }
}

function ofSettings(accessKeyId: string): StoreFault {
  return new StoreFault('InvalidArgument', {
    name: 'access key id',
    value: accessKeyId,
    reason:
      "This is the root account's key as the settings give it, and the next start would bring it back: change SEXTANT_ROOT_ACCESS_KEY_ID and SEXTANT_ROOT_SECRET_ACCESS_KEY (or secrets/ in the data directory) and start again, or make another key and disable this one.",
  })
}
