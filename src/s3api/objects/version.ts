import { NULL_VERSION, type VersionId } from '../../base/ids.ts'
import type { Bucket } from '../../base/model.ts'
import { type Field, invalid, queryOr } from '../fields.ts'
import type { ReplyHeaders } from '../operation.ts'

/** `versionId`, where given. Fault: InvalidArgument (no version could be called so). */
export const versionId: Field<VersionId | undefined> = queryOr('versionId', parseVersionId, undefined)

/** As the catalogue names versions: 32 hex digits, or `null`. Fault: InvalidArgument. */
export function parseVersionId(text: string, name: string): VersionId {
  if (text === '') throw invalid(name, text, 'Version id cannot be the empty string')
  if (!isVersionId(text)) throw invalid(name, text, 'Invalid version id specified')
  return text
}

export function isVersionId(text: string): text is VersionId {
  return text === NULL_VERSION || /^[0-9a-f]{32}$/.test(text)
}

/** x-amz-version-id of what was written: a null version is not spoken of. */
export function writtenVersion(versionId: VersionId): VersionId | undefined {
  return versionId === NULL_VERSION ? undefined : versionId
}

/** Of what is read: where a bucket has or had versions, a null version is called so. */
export function versionHeaders({ versioning }: Bucket, { versionId }: { versionId: VersionId }): ReplyHeaders {
  return versioning === '' ? {} : { 'x-amz-version-id': versionId }
}
