import type { ServerNumber } from '../base/ids.ts'
import type { UpkeepDeps } from './deps.ts'
import { deleteChunks } from './sweep-doomed.ts'

/** Chunks in one page: they go to each node in one call. */
const STRAYS_AT_ONCE = 1_000

/** Deletes chunks that repairs left over: replaced copies after their grace, and what no part ever came to name. */
export async function sweepStrays(deps: UpkeepDeps, signal: AbortSignal): Promise<void> {
  let swept = 0
  for (const { number, status } of deps.cluster.servers().values()) {
    // One that was removed for good took its chunks along; one that is away is waited for.
    const isGone = status === 'removed'
    if (!isGone && !deps.chunks.isReachable(number)) continue
    swept += await sweepServer(deps, { number, isGone }, signal)
  }
  if (swept > 0) deps.log.info({ chunks: swept }, 'chunks that repairs left over were deleted')
}

async function sweepServer(
  deps: UpkeepDeps,
  { number: server, isGone }: { number: ServerNumber; isGone: boolean },
  signal: AbortSignal,
): Promise<number> {
  for (let swept = 0; ; ) {
    const strays = await deps.catalogue.claimStrays({ server, rowsMax: STRAYS_AT_ONCE }, signal)
    if (strays.length === 0) return swept
    const left = isGone ? new Set() : await deleteChunks(deps, new Map([[server, strays]]), signal)
    if (left.size > 0) return swept
    await deps.catalogue.forgetStrays(strays, signal)
    swept += strays.length
  }
}
