import { LRUCache } from 'lru-cache'
import type { Clock } from '../base/clock.ts'
import { deadline } from '../base/deadline.ts'
import type { Log } from '../base/log.ts'
import type { Database } from './database.ts'
import { noteKeyUses } from './queries/access-keys.ts'

/** Notes when keys are used; disposed, it writes what it has not written yet. */
export interface KeyUses extends AsyncDisposable {
  /** For every request: costs a look into a map, and never waits. */
  note(accessKeyId: string): void
}

/** A key is written at most this often by one gateway: when it was used is known to within that. */
const SPACING_MS = 5 * 60_000
/** Uses of many keys wait for each other this long, and are one statement. */
const GATHER_MS = 10_000
const KEYS_MAX = 10_000
const LAST_WRITE_MS_MAX = 2_000

export function trackKeyUses({ database, clock, log }: { database: Database; clock: Clock; log: Log }): KeyUses {
  /** Until when nothing is written of a key. */
  const restsUntilMs = new LRUCache<string, number>({ max: KEYS_MAX })
  let waiting: { accessKeyId: string; usedAt: Date }[] = []
  let timer: Disposable | undefined
  let writing: Promise<void> = Promise.resolve()

  function writeSoon(): void {
    timer = undefined
    writing = writing.then(() => write())
  }

  /** What cannot be written is left out: the next use after a rest is written again. */
  async function write(signal?: AbortSignal): Promise<void> {
    const uses = waiting
    waiting = []
    if (uses.length === 0) return
    try {
      await database.run(noteKeyUses, uses, { repeatable: true, ...(signal && { signal }) })
    } catch (error) {
      log.debug({ error: String(error), keys: uses.length }, 'when keys were used was not noted')
    }
  }

  return {
    note(accessKeyId) {
      const nowMs = clock.nowMs()
      if (nowMs < (restsUntilMs.get(accessKeyId) ?? 0) || waiting.length >= KEYS_MAX) return
      restsUntilMs.set(accessKeyId, nowMs + SPACING_MS)
      waiting.push({ accessKeyId, usedAt: new Date(nowMs) })
      timer ??= clock.after(GATHER_MS, writeSoon)
    },
    async [Symbol.asyncDispose]() {
      timer?.[Symbol.dispose]()
      using late = deadline(clock, LAST_WRITE_MS_MAX)
      await Promise.race([writing, new Promise((resolve) => late.signal.addEventListener('abort', resolve))])
      await write(late.signal)
    },
  }
}
