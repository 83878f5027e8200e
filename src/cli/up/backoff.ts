const WAIT_MS_MIN = 100
const WAIT_MS_MAX = 10_000
/** What lived so long starts over with the shortest wait. */
const STEADY_MS = 30_000

/** How long to wait before something that ended is started again: doubling from 0.1 s to 10 s. */
export function makeBackoff(): { nextMs(livedMs: number): number } {
  let failures = 0
  return {
    nextMs(livedMs) {
      failures = livedMs > STEADY_MS ? 0 : failures
      return Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** failures++)
    },
  }
}
