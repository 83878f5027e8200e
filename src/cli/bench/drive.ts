import type { Tally } from './tally.ts'

/** A request, or a few that belong together. */
export interface Call {
  /** Where it counts. */
  tallies: readonly Tally[]
  /** Answers how many bytes of bodies it moved. */
  run(signal: AbortSignal): Promise<number>
}

export interface Load {
  clients: number
  /** None is begun later. */
  durationMs: number
  /** undefined: there is no more to do. */
  next(): Call | undefined
}

/**
 * Each client begins its next call when its last one has ended; resolves when all have. Aborted, calls under way are given up
 * and do not count.
 */
export async function drive({ clients, durationMs, next }: Load, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + durationMs
  const run = async () => {
    while (!signal.aborted && performance.now() < deadline) {
      const call = next()
      if (!call) return
      await makeCall(call, signal)
    }
  }
  await Promise.all(Array.from({ length: clients }, run))
}

async function makeCall({ tallies, run }: Call, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now()
  try {
    const bytes = await run(signal)
    const ms = performance.now() - startedAt
    for (const tally of tallies) tally.succeed(ms, bytes)
  } catch (error) {
    if (!signal.aborted) for (const tally of tallies) tally.fail(error)
  }
}
