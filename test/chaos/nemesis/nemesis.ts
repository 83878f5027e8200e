import { setTimeout as sleep } from 'node:timers/promises'

/** Does harm to a cluster, once, and says what. What can be undone is undone when it resolves. */
export type Nemesis = (stop: AbortSignal) => Promise<string>

/** Strikes again and again until it is told to stop: every so many ms, or when the last strike is over. Answers what was done. */
export async function strikeEvery(everyMs: number, nemesis: Nemesis, stop: AbortSignal): Promise<string[]> {
  const strikes: string[] = []
  const pause = () => sleep(everyMs, undefined, { signal: stop }).catch(() => {}) // woken by the stop
  await pause()
  while (!stop.aborted) {
    const [strike] = await Promise.all([nemesis(stop), pause()])
    strikes.push(strike)
  }
  return strikes
}

/** `3 × gateway 1, 2 × PostgreSQL`, for people. */
export function tally(strikes: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const strike of strikes) counts.set(strike, (counts.get(strike) ?? 0) + 1)
  return [...counts].map(([strike, count]) => `${count} × ${strike}`).join(', ')
}
