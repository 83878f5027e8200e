import { assert, StoreFault } from '../base/faults.ts'
import type { VersionId } from '../base/ids.ts'
import type { Catalogue, VersionChange } from '../engine/ports/catalogue.ts'
import type { Databases } from './databases.ts'
import { type ChangeRow, holdObject, retainObject, setObjectAccess, tagObject } from './queries/change-versions.ts'

type VersionChanges = Pick<Catalogue, 'tagObject' | 'setObjectAccess' | 'retainObject' | 'holdObject'>

/** What of a version may change after it was written. */
export function versionChanges({ general }: Databases): VersionChanges {
  return {
    async tagObject(change, signal) {
      const [row] = await general.run(tagObject, change, { signal, repeatable: true })
      return changed(row, change)
    },
    async setObjectAccess(change, signal) {
      const [row] = await general.run(setObjectAccess, change, { signal, repeatable: true })
      return changed(row, change)
    },
    async retainObject(change, signal) {
      const [row] = await general.run(retainObject, change, { signal, repeatable: true })
      return changed(row, change)
    },
    async holdObject(change, signal) {
      const [row] = await general.run(holdObject, change, { signal, repeatable: true })
      return changed(row, change)
    },
  }
}

/** The answer, or the refusal thrown. */
function changed(row: ChangeRow | undefined, { key, versionId }: VersionChange): { versionId: VersionId } {
  assert(row, 'the function answers a row')
  switch (row.outcome) {
    case 'ok':
      return { versionId: row.versionId }
    case 'no-object':
      throw versionId === undefined
        ? new StoreFault('NoSuchKey', { key })
        : new StoreFault('NoSuchVersion', { key, versionId })
    case 'held':
      throw new StoreFault('AccessDenied', { reason: 'an object lock holds it', isLocked: true })
    case 'past':
      throw new StoreFault('InvalidArgument', {
        name: 'RetainUntilDate',
        reason: 'The retain until date must be in the future!',
      })
    case 'delete-marker':
      throw new StoreFault('MethodNotAllowed', { method: 'PUT', resource: 'DeleteMarker' })
  }
}
