import { LRUCache } from 'lru-cache'
import { abortable } from '../base/abortable.ts'
import { parseAddressList } from '../base/address-list.ts'
import type { Clock } from '../base/clock.ts'
import { assert } from '../base/faults.ts'
import type { AccessKey } from '../base/model.ts'
import type { Database } from './database.ts'
import { findAccessKey } from './queries/access-keys.ts'
import type { Sealer } from './seal.ts'

const KEYS_CACHED_MAX = 10_000

export interface AccessKeyFinder {
  find(accessKeyId: string, signal: AbortSignal): Promise<AccessKey | undefined>
  /** It was changed: it is looked up anew. */
  forget(accessKeyId: string): void
  /** Some may have been changed. */
  forgetAll(): void
}

/**
 * Looks access keys up, and remembers those that there are for `cacheMs`, or until it is told that they were changed.
 * Unknown ones are asked for each time: a key works the moment it is made.
 */
export function makeAccessKeyFinder(deps: {
  database: Database
  sealer: () => Sealer
  clock: Clock
  cacheMs: number
}): AccessKeyFinder {
  const { database, sealer, clock, cacheMs } = deps
  const known = new LRUCache<string, { key: AccessKey; untilMs: number }>({ max: KEYS_CACHED_MAX })
  const underWay = new Map<string, Promise<AccessKey | undefined>>()

  async function read(accessKeyId: string): Promise<AccessKey | undefined> {
    const [row] = await database.run(findAccessKey, accessKeyId, { repeatable: true })
    if (!row) return undefined
    const { account, policy, expiresAt, former, limits } = row
    const open = (sealed: Buffer) => sealer().open(sealed, accessKeyId)
    const allowedFrom = row.allowedFrom && parseAddressList(row.allowedFrom)
    // Nobody but us writes it; should it be no list after all, a key that was to be bounded must not be unbounded.
    assert(allowedFrom !== undefined || row.allowedFrom === undefined, 'addresses that can be read')
    const key = {
      accessKeyId,
      secretAccessKey: open(row.sealedSecret),
      account,
      policy,
      expiresAt,
      allowedFrom,
      limits,
    }
    if (!former) return key
    const formerKey = { ...key, secretAccessKey: open(former.sealedSecret) }
    return { ...key, former: { key: formerKey, until: former.until } }
  }

  function ask(accessKeyId: string): Promise<AccessKey | undefined> {
    // Counted from before the look: what is answered may be as old as the question.
    const untilMs = clock.nowMs() + cacheMs
    const asked: Promise<AccessKey | undefined> = read(accessKeyId).then(
      (key) => {
        // Forgotten meanwhile: it may be what it was before the change.
        if (underWay.get(accessKeyId) !== asked) return key
        underWay.delete(accessKeyId)
        if (key) known.set(accessKeyId, { key, untilMs })
        else known.delete(accessKeyId)
        return key
      },
      (error) => {
        if (underWay.get(accessKeyId) === asked) underWay.delete(accessKeyId)
        throw error
      },
    )
    underWay.set(accessKeyId, asked)
    return asked
  }

  return {
    async find(accessKeyId, signal) {
      const cached = known.get(accessKeyId)
      if (cached && clock.nowMs() < cached.untilMs) return cached.key
      return await abortable(underWay.get(accessKeyId) ?? ask(accessKeyId), signal)
    },
    forget(accessKeyId) {
      known.delete(accessKeyId)
      underWay.delete(accessKeyId)
    },
    forgetAll() {
      known.clear()
      underWay.clear()
    },
  }
}
