import type { Clock } from '../../base/clock.ts'
import type { ChildMessage, StopMessage } from './messages.ts'
import { watchParent } from './parent-watch.ts'

/** When a process is to stop, and how fast. */
export interface Orders extends Disposable {
  /** Take nothing new, finish what is under way. */
  readonly stop: AbortSignal
  /** Give up what is under way too. Always after `stop`. */
  readonly hurry: AbortSignal
  /** To `sextant up`, where it is the parent; nowhere else. */
  tell(message: ChildMessage): void
}

export interface OrdersOptions {
  /** True for a child of `sextant up`: the parent decides, signals are asked back. */
  isSupervised: boolean
  /** Stops when the process that started this one is gone, also where no channel tells. */
  watchesParent?: boolean
  drainMs: number
  clock: Clock
  /** SIGHUP has files opened anew, and is no reason to stop. */
  reopensFiles: boolean
}

/** With `sextant up` gone, the database and the nodes are going too: there is not much to finish. */
const ORPHAN_DRAIN_MS = 1000

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/**
 * Signals and the parent's messages as two abort signals.
 *
 * Alone: the first SIGTERM, SIGINT or SIGHUP (unless that has another meaning) stops, the second hurries. A terminal's Ctrl-C, and a service manager's
 * SIGTERM, reach the whole process group at once; so a supervised child leaves SIGINT and SIGHUP to its parent, and
 * asks it about a SIGTERM. A parent that is gone (its channel closes, also after kill -9) stops the child.
 */
export function takeOrders(options: OrdersOptions): Orders {
  const { isSupervised, watchesParent = false, drainMs, clock, reopensFiles } = options
  const stop = new AbortController()
  const hurry = new AbortController()
  let timer: Disposable | undefined

  const stopWithin = (ms: number) => {
    stop.abort(new Error('the process was told to stop'))
    timer?.[Symbol.dispose]()
    if (ms === 0) hurry.abort(new Error('the process was told to stop at once'))
    else timer = clock.after(ms, () => stopWithin(0))
  }
  const tell = (message: ChildMessage) => {
    if (isSupervised && process.connected) process.send?.(message)
  }
  const onSignal = (signal: NodeJS.Signals) => {
    if (signal === 'SIGHUP' && reopensFiles) return
    if (!isSupervised) stopWithin(stop.signal.aborted ? 0 : drainMs)
    else if (signal === 'SIGTERM') tell({ kind: 'signalled' })
  }
  const onMessage = (message: unknown) => {
    if (isStopMessage(message)) stopWithin(message.drainMs)
  }
  const onOrphaned = () => {
    if (isSupervised) stopWithin(Math.min(ORPHAN_DRAIN_MS, drainMs))
    else if (!stop.signal.aborted) stopWithin(drainMs)
  }

  for (const signal of SIGNALS) process.on(signal, onSignal)
  process.on('disconnect', onOrphaned)
  if (isSupervised) {
    process.on('message', onMessage)
    // Killed between our start and here: the channel closed before anybody listened.
    if (!process.connected) onOrphaned()
  }
  const watch = watchesParent ? watchParent(clock, onOrphaned) : undefined
  return {
    stop: stop.signal,
    hurry: hurry.signal,
    tell,
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]()
      watch?.[Symbol.dispose]()
      for (const signal of SIGNALS) process.off(signal, onSignal)
      process.off('disconnect', onOrphaned)
      process.off('message', onMessage)
    },
  }
}

function isStopMessage(message: unknown): message is StopMessage {
  const { kind, drainMs } = (message ?? {}) as Partial<StopMessage>
  return kind === 'stop' && typeof drainMs === 'number' && drainMs >= 0
}
