import { assert, StoreFault } from '../base/faults.ts'
import type { ObjectKey, VersionId } from '../base/ids.ts'
import type { RenameCondition, Renames } from '../engine/ports/renames.ts'
import type { Databases } from './databases.ts'
import { findRename, type RenameRow, renameObject } from './queries/rename-objects.ts'
import { refusal } from './refusal.ts'

export function renames({ general }: Databases): Renames {
  return {
    async renameObject(rename, signal) {
      const [row] = await general.run(renameObject, rename, { signal, repeatable: rename.token !== undefined })
      assert(row, 'the function answers a row')
      return renamed(row, { key: rename.source.key, condition: rename.condition })
    },
    async findRename(query, signal) {
      const [row] = await general.run(findRename, query, { signal, repeatable: true })
      return row && renamed(row, { key: '' as ObjectKey, condition: {} })
    },
  }
}

/** The answer, or the refusal thrown; undefined: the source has changed. */
function renamed(
  row: RenameRow,
  of: { key: ObjectKey; condition: RenameCondition },
): { versionId: VersionId } | undefined {
  switch (row.outcome) {
    case 'ok':
    case 'repeated':
      return { versionId: row.versionId }
    case 'source-changed':
      return undefined
    case 'token-mismatch':
      throw new StoreFault('IdempotencyParameterMismatch', {})
    case 'precondition-failed':
      throw new StoreFault('PreconditionFailed', { condition: failedCondition(of.condition) })
    case 'no-bucket':
    case 'no-source':
    case 'held':
      throw refusal(row.outcome, of)
  }
}

function failedCondition({ ifNoneMatch, ifMatch, modifiedSince }: RenameCondition): string {
  if (ifNoneMatch) return 'If-None-Match'
  if (ifMatch !== undefined) return 'If-Match'
  return modifiedSince ? 'If-Modified-Since' : 'If-Unmodified-Since'
}
