import { HandClock } from '../storage-node/disk/faulty-fs.ts'

/** Turns of the event loop in which whatever can be done without waiting for time is done. */
const TURNS = 50

/**
 * Time that passes only when nothing else is left to do: the same on a busy machine as on an idle one. Answers what `work`
 * came to, and how long it took by this clock.
 */
export async function passTime<T>(
  clock: HandClock,
  work: Promise<T>,
  { stepMs = 50, withinMs = 60_000 } = {},
): Promise<{ outcome: PromiseSettledResult<T>; tookMs: number }> {
  const startedMs = clock.nowMs()
  let outcome: PromiseSettledResult<T> | undefined
  void Promise.allSettled([work]).then(([settled]) => {
    outcome = settled
  })
  for (;;) {
    for (let turn = 0; turn < TURNS && !outcome; turn++) await new Promise((resolve) => setImmediate(resolve))
    const tookMs = clock.nowMs() - startedMs
    if (outcome) return { outcome, tookMs }
    if (tookMs > withinMs) throw new Error(`not done within ${withinMs} ms`)
    clock.advance(stepMs)
  }
}

export { HandClock }
