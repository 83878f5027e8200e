import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { UpkeepDeps } from './deps.ts'
import { touchableServers } from './restores/touchable-servers.ts'
import { sweepDoomedParts } from './sweep-doomed.ts'
import { sweepSessions } from './sweep-sessions.ts'
import { sweepStrays } from './sweep-strays.ts'

export interface SweepSettings {
  /** Between two rounds, in ms. */
  intervalMs: number
  /** How long chunks outlive the last reference to them, in ms: longer than the longest download. */
  doomedGraceMs: number
}

/** Uploads whose time is over, at most so many in one transaction. */
const EXPIRED_UPLOADS_AT_ONCE = 100

/**
 * Every `intervalMs`, on one gateway at a time: expired uploads are aborted, the chunks of doomed parts and those that
 * repairs left over deleted, and what gateways that are gone left on the nodes is found and deleted. A round that fails is logged, and the next one tries again.
 */
export function startSweeps(
  deps: UpkeepDeps & { clock: Clock; log: Log },
  settings: SweepSettings,
): { sweepNow(): Promise<void> } & AsyncDisposable {
  const stop = new AbortController()
  let running = Promise.resolve()
  const sweepNow = () => {
    running = running.then(() => sweepOnce(deps, settings, stop.signal))
    return running
  }
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await deps.clock.sleep(settings.intervalMs, stop.signal).catch(() => {}) // woken by the end
      if (!stop.signal.aborted) await sweepNow()
    }
  })()
  return {
    sweepNow,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await loop
      await running
    },
  }
}

async function sweepOnce(deps: UpkeepDeps & { log: Log }, settings: SweepSettings, stop: AbortSignal): Promise<void> {
  try {
    await deps.catalogue.exclusively(
      'sweep',
      async (signal) => {
        // First: it is what tells whether the database is of today, and all that follows goes by that.
        const round = { ...deps, touchable: await touchableServers(deps, signal) }
        await expireUploads(round, signal)
        await sweepDoomedParts(round, settings.doomedGraceMs, signal)
        await sweepStrays(round, signal)
        await sweepSessions(round, signal)
      },
      stop,
    )
  } catch (error) {
    if (!stop.aborted) deps.log.warn({ err: error }, 'a sweep failed; the next one tries again')
  }
}

async function expireUploads({ catalogue, log }: UpkeepDeps & { log: Log }, signal: AbortSignal): Promise<void> {
  let expired = 0
  for (let count = -1; count !== 0; expired += count) {
    count = await catalogue.expireUploads(EXPIRED_UPLOADS_AT_ONCE, signal)
  }
  if (expired > 0) log.info({ uploads: expired }, 'expired uploads were aborted')
}
