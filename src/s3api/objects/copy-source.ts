import type { ObjectVersion } from '../../base/model.ts'
import type { FoundObject } from '../../engine/engine.ts'
import { authorise, checkExpectedOwner } from '../authorise.ts'
import { type Field, headers } from '../fields.ts'
import { type CopySource, parseCopySource } from '../names/copy-source.ts'
import type { Call } from '../operation.ts'
import { headerOf } from '../request-head.ts'
import { copySourceConditions, type ReadConditions } from './read-conditions.ts'
import { existing } from './read-object.ts'

export interface CopySourceInput extends CopySource {
  conditions: ReadConditions
  expectedOwner: string | undefined
}

/** Where a copy comes from, and on what conditions. Faults: InvalidArgument, InvalidBucketName, KeyTooLongError. */
export const copySource: Field<CopySourceInput> = headers(
  'copy-source',
  ['x-amz-copy-source', 'x-amz-source-expected-bucket-owner', ...(copySourceConditions.reads ?? [])],
  (head) => ({
    ...parseCopySource(headerOf(head, 'x-amz-copy-source') ?? ''),
    conditions: copySourceConditions.read(head),
    expectedOwner: headerOf(head, 'x-amz-source-expected-bucket-owner'),
  }),
)

/** Whoever copies must be allowed to read. Faults: NoSuchBucket, AccessDenied, NoSuchKey, NoSuchVersion. */
export async function findCopySource(
  { engine, identity }: Pick<Call, 'engine' | 'identity'>,
  { bucket, key, versionId, expectedOwner }: CopySourceInput,
  signal: AbortSignal,
): Promise<FoundObject & { object: ObjectVersion }> {
  const found = await engine.findObject({ bucket, key, versionId }, signal)
  authorise(identity, 's3:GetObject', found.bucket)
  checkExpectedOwner(expectedOwner, found.bucket)
  return { ...found, object: existing(found, { key, versionId }) }
}
