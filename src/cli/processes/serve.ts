import { flushCompileCache } from 'node:module'
import type { Clock } from '../../base/clock.ts'
import type { Settings } from '../../base/config.ts'
import type { Log } from '../../base/log.ts'
import { aborted } from '../abort.ts'
import { messageOf } from '../failure.ts'
import { type HangUpSettings, heedsHangUp } from './identities.ts'
import { takeOrders } from './orders.ts'

/** Something that serves until it is told to stop. */
export interface Service extends AsyncDisposable {
  /** Takes nothing new; resolves when what was under way is finished, or given up because `hurry` was aborted. */
  drain(hurry: AbortSignal): Promise<void>
}

export interface ServeOptions {
  settings: Pick<Settings, 'drainMs'> & HangUpSettings
  isSupervised: boolean
  /** What it takes to drain beyond `drainMs`. */
  noticeMs?: number
  clock: Clock
  log: Log
}

/** What does not end by itself after everything was given up is left to the kernel. */
const CLOSE_MS_MAX = 4000

/** Starts, serves, drains, stops; answers the exit code. Tells `sextant up` how it goes, where that is the parent. */
export async function serve(options: ServeOptions, start: (stop: AbortSignal) => Promise<Service>): Promise<number> {
  const { clock, log } = options
  const { isSupervised, settings, noticeMs = 0 } = options
  using orders = takeOrders({
    isSupervised,
    drainMs: noticeMs + settings.drainMs,
    clock,
    reopensFiles: heedsHangUp(settings),
  })
  let deadline: Disposable | undefined
  orders.hurry.addEventListener('abort', () => {
    deadline = clock.after(CLOSE_MS_MAX, () => {
      log.warn({}, 'something did not close: the process ends all the same')
      process.exit(1)
    })
  })
  try {
    await using service = await start(orders.stop)
    orders.tell({ kind: 'ready' })
    // Written at the end otherwise, and never by a process that is killed; the next start loads in a third of the time.
    flushCompileCache()
    log.info({}, 'serves')
    await aborted(orders.stop)
    await service.drain(orders.hurry)
  } catch (error) {
    if (orders.stop.aborted) {
      log.debug({ err: error }, 'stopped')
      return 0
    }
    if (!isSupervised) throw error
    orders.tell({ kind: 'failed', message: messageOf(error) })
    // The parent tells it in a sentence.
    log.debug({ err: error }, 'could not start')
    return 1
  } finally {
    deadline?.[Symbol.dispose]()
    // With nothing left to do the process ends; a handle that somebody forgot must not keep it.
    if (process.connected) process.disconnect()
    setTimeout(() => process.exit(), CLOSE_MS_MAX).unref()
  }
  log.info({}, 'stopped')
  return 0
}
