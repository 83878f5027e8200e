import { setTimeout as sleep } from 'node:timers/promises'

/** Long enough for the slowest machine: only what never happens waits so long. */
const NEVER_MS = 60_000
const LOOK_EVERY_MS = 5

/** Looks again and again; false: it was not so within a minute. */
export async function isEver(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (const end = performance.now() + NEVER_MS; !(await condition()); await sleep(LOOK_EVERY_MS)) {
    if (performance.now() > end) return false
  }
  return true
}

/** Resolves once it is so. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  if (!(await isEver(condition))) throw new Error(`not so within ${NEVER_MS} ms: ${condition}`)
}
