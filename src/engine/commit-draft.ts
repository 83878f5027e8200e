import { StoreFault } from '../base/faults.ts'
import type { PartDraft } from './write-part.ts'

/** Refusals after which the catalogue surely does not refer to the part. */
const SURELY_NOT_COMMITTED: ReadonlySet<string> = new Set([
  'InvalidPart',
  'NoSuchBucket',
  'NoSuchKey',
  'NoSuchUpload',
  'PreconditionFailed',
])

/**
 * Commits a draft; not to be interrupted, or nobody would know what became of it. Chunks are deleted only when the catalogue refused: after any other error (a lost connection, an
 * abort) the commit may have happened, and the sweep decides by what the catalogue says then.
 */
export async function commitDraft<T>(draft: PartDraft, commit: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    const committed = await commit(new AbortController().signal)
    draft.keep()
    return committed
  } catch (error) {
    if (!(error instanceof StoreFault && SURELY_NOT_COMMITTED.has(error.code))) draft.keep()
    throw error
  }
}
