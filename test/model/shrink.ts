import type { Ask } from './owner.ts'
import { type Divergence, runSteps } from './run-steps.ts'
import type { Step } from './steps.ts'

export interface Shrunk {
  steps: readonly Step[]
  divergence: Divergence
}

/** However long a sequence is, most of what can be left out is by then. */
const TRIES_MAX = 150

/** Leaves out steps, the last ones first, as long as what is left still shows the same; `newBucket` names a fresh one. */
export async function shrink(found: Shrunk, newBucket: () => string, ask: Ask): Promise<Shrunk> {
  let best = { ...found, steps: found.steps.filter(({ n }) => n <= found.divergence.step.n) }
  for (let tries = 0, isSmaller = true; isSmaller; ) {
    isSmaller = false
    for (const step of [...best.steps].reverse()) {
      if (tries++ === TRIES_MAX) return best
      const steps = best.steps.filter((each) => each !== step)
      const divergence = await runSteps(steps, newBucket(), ask)
      if (!divergence || !isAlike(divergence, best.divergence)) continue
      best = { steps, divergence }
      isSmaller = true
    }
  }
  return best
}

/** Of the same operation, and the same kind: not another that the missing steps have made. */
function isAlike(a: Divergence, b: Divergence): boolean {
  const kindOf = ({ step, said, expected }: Divergence) =>
    [step.name, said.status, said.code, ...expected.map(({ status, code }) => `${status} ${code}`)].join()
  return kindOf(a) === kindOf(b)
}
