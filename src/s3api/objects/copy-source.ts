import { StoreFault } from '../../base/faults.ts'
import type { ObjectVersion } from '../../base/model.ts'
import type { FoundObject } from '../../engine/engine.ts'
import { checkExpectedOwner } from '../authorise.ts'
import { type CustomerKey, sourceCustomerKey } from '../encryption/customer-key.ts'
import { type Field, headers } from '../fields.ts'
import { type CopySource, parseCopySource } from '../names/copy-source.ts'
import type { Call, ReplyHeaders } from '../operation.ts'
import { headerOf } from '../request-head.ts'
import { copySourceConditions, type ReadConditions } from './read-conditions.ts'
import { existing } from './read-object.ts'
import { versionHeaders } from './version.ts'

export interface CopySourceInput extends CopySource {
  conditions: ReadConditions
  expectedOwner: string | undefined
  /** What opens it, if it is under a customer's key. */
  customerKey: CustomerKey | undefined
}

/** Where a copy comes from, and on what conditions. Faults: InvalidArgument, InvalidBucketName, KeyTooLongError. */
export const copySource: Field<CopySourceInput> = headers(
  'copy-source',
  [
    'x-amz-copy-source',
    'x-amz-source-expected-bucket-owner',
    ...(copySourceConditions.reads ?? []),
    ...(sourceCustomerKey.reads ?? []),
  ],
  (head) => ({
    ...parseCopySource(headerOf(head, 'x-amz-copy-source') ?? ''),
    conditions: copySourceConditions.read(head),
    expectedOwner: headerOf(head, 'x-amz-source-expected-bucket-owner'),
    customerKey: sourceCustomerKey.read(head),
  }),
)

/** Whoever copies must be allowed to read. Faults: NoSuchBucket, AccessDenied, NoSuchKey, NoSuchVersion, InvalidRequest. */
export async function findCopySource(
  { engine, access }: Pick<Call, 'engine' | 'access'>,
  { bucket, key, versionId, expectedOwner }: CopySourceInput,
  signal: AbortSignal,
): Promise<FoundObject & { object: ObjectVersion }> {
  const found = await engine.findObject({ bucket, key, versionId }, signal)
  access.demand({ action: 's3:GetObject', bucket: found.bucket, key, versionId, object: found.object ?? null })
  checkExpectedOwner(expectedOwner, found.bucket)
  if (found.marker && versionId !== undefined) {
    throw new StoreFault('InvalidRequest', {
      reason: 'The source of a copy request may not specifically refer to a delete marker by version id.',
    })
  }
  return { ...found, object: existing(found, { key, versionId }) }
}

/** Which version was copied, where the source's bucket has versions. */
export function copiedVersion({ bucket, object }: FoundObject & { object: ObjectVersion }): ReplyHeaders {
  return { 'x-amz-copy-source-version-id': versionHeaders(bucket, object)['x-amz-version-id'] }
}
