import { ChunkError } from '../base/faults.ts'
import type { ServerNumber } from '../base/ids.ts'
import type { SweepDeps } from './deps.ts'

/** Chunks in one page: they go to each node in one call. */
const STRAYS_AT_ONCE = 1_000

/** Deletes chunks that repairs left over: replaced copies after their grace, and what no part ever came to name. */
export async function sweepStrays(deps: SweepDeps, signal: AbortSignal): Promise<void> {
  let swept = 0
  for (const { number, status } of deps.cluster.servers().values()) {
    // One that was removed for good took its chunks along; one that is away is waited for.
    if (status === 'removed') swept += await forgetAll(deps, number, signal)
    else if (deps.touchable.has(number)) swept += await sweepServer(deps, number, signal)
  }
  if (swept > 0) deps.log.info({ chunks: swept }, 'chunks that repairs left over were deleted')
}

async function forgetAll({ catalogue }: SweepDeps, server: ServerNumber, signal: AbortSignal): Promise<number> {
  for (let forgotten = 0; ; ) {
    const strays = await catalogue.claimStrays({ server, rowsMax: STRAYS_AT_ONCE }, signal)
    if (strays.length === 0) return forgotten
    await catalogue.forgetStrays(strays, signal)
    forgotten += strays.length
  }
}

async function sweepServer(
  { catalogue, chunks, log }: SweepDeps,
  server: ServerNumber,
  signal: AbortSignal,
): Promise<number> {
  let swept = 0
  try {
    for (;;) {
      // Before the claim. Another sweep may delete and forget the same notes while this one sleeps, and a repair write
      // there again: that, a delete of before it must not take.
      const { moment } = await chunks.statServer(server, signal)
      const strays = await catalogue.claimStrays({ server, rowsMax: STRAYS_AT_ONCE }, signal)
      if (strays.length === 0) return swept
      await chunks.deleteChunks(server, strays, signal, moment)
      await catalogue.forgetStrays(strays, signal)
      swept += strays.length
    }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof ChunkError)) throw error
    log.warn({ server, reason: String(error) }, 'chunks that repairs left over stay; the next sweep tries again')
    return swept
  }
}
