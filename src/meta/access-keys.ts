import { LRUCache } from 'lru-cache'
import { abortable } from '../base/abortable.ts'
import type { Clock } from '../base/clock.ts'
import type { AccessKey } from '../base/model.ts'
import type { Database } from './database.ts'
import { findAccessKey } from './queries/accounts.ts'
import type { Sealer } from './seal.ts'

const KEYS_CACHED_MAX = 10_000

/**
 * Looks access keys up, and remembers those that there are for `cacheMs`. Unknown ones are asked for each time: a key
 * works the moment it is made.
 */
export function makeAccessKeyFinder(deps: { database: Database; sealer: () => Sealer; clock: Clock; cacheMs: number }) {
  const { database, sealer, clock, cacheMs } = deps
  const known = new LRUCache<string, { key: AccessKey; untilMs: number }>({ max: KEYS_CACHED_MAX })
  const underWay = new Map<string, Promise<AccessKey | undefined>>()

  async function ask(accessKeyId: string): Promise<AccessKey | undefined> {
    // Counted from before the look: what is answered may be as old as the question.
    const untilMs = clock.nowMs() + cacheMs
    const [row] = await database.run(findAccessKey, accessKeyId, { repeatable: true })
    if (!row) {
      known.delete(accessKeyId)
      return undefined
    }
    const secretAccessKey = sealer().open(row.sealedSecret, accessKeyId)
    const key = { accessKeyId, secretAccessKey, account: row.account }
    known.set(accessKeyId, { key, untilMs })
    return key
  }

  return async function find(accessKeyId: string, signal: AbortSignal): Promise<AccessKey | undefined> {
    const cached = known.get(accessKeyId)
    if (cached && clock.nowMs() < cached.untilMs) return cached.key
    let asked = underWay.get(accessKeyId)
    if (!asked) {
      asked = ask(accessKeyId).finally(() => underWay.delete(accessKeyId))
      underWay.set(accessKeyId, asked)
    }
    return await abortable(asked, signal)
  }
}
