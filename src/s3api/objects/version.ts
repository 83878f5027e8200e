import type { VersionId } from '../../base/ids.ts'
import { type Field, invalid, queryOr } from '../fields.ts'

/** `versionId`, where given. Fault: InvalidArgument (no id could look so). */
export const versionId: Field<VersionId | undefined> = queryOr(
  'versionId',
  (text, name): VersionId => {
    if (!/^[\x21-\x7e]{1,1024}$/.test(text)) throw invalid(name, text, 'Invalid version id specified')
    return text as VersionId
  },
  undefined,
)

/** Buckets keep no versions yet, so that no object but the one called `null` can be meant. Fault: InvalidArgument. */
export const onlyVersion: Field<VersionId | undefined> = {
  ...versionId,
  read(head) {
    const id = versionId.read(head)
    if (id !== undefined && id !== 'null') throw invalid('versionId', id, 'Invalid version id specified')
    return id
  },
}
