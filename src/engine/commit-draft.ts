import { isFault, StoreFault } from '../base/faults.ts'
import type { PartDraft } from './write-part.ts'

/**
 * Commits a draft; not to be interrupted, or nobody would know what became of it. Chunks are deleted only when the
 * catalogue surely does not refer to them: it refused, or was never asked. After any other error (a lost connection) the
 * commit may have happened, and the sweep decides by what the catalogue says then.
 */
export async function commitDraft<T>(draft: PartDraft, commit: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    const committed = await commit(new AbortController().signal)
    draft.keep()
    return committed
  } catch (error) {
    if (!isSurelyNotCommitted(error)) draft.keep()
    throw error
  }
}

/** Also when the session of this gateway is over: it may have been swept already, so what is left now stays. */
function isSurelyNotCommitted(error: unknown): boolean {
  if (isFault(error, 'ServiceUnavailable')) return error.detail.outcomeUnknown !== true
  return error instanceof StoreFault
}
