import { StoreFault } from '../base/faults.ts'
import type { Account, Bucket, ObjectVersion } from '../base/model.ts'
import type { Access } from './access/access.ts'
import type { Identity } from './auth/authenticate.ts'
import type { Operation } from './operation.ts'
import type { RequestHead } from './request-head.ts'
import { isUploadId } from './uploads/upload-inputs.ts'

/** Whether the caller may do what the operation is about; `object` as it was looked up (null: not there). Fault: AccessDenied. */
export function authorise(
  operation: Operation,
  access: Access,
  head: RequestHead,
  { bucket, object }: { bucket: Bucket; object?: ObjectVersion | null },
): void {
  // Who began an upload may have no other leave for anything here; what is no upload's id, nobody began.
  if (operation.judgedBy === 'upload' && isUploadId(head.query.get('uploadId'))) return
  if (operation.judgedBy === 'body') {
    access.demandAny(bucket)
    return
  }
  const { key } = head
  const versionId = operation.route.on === 'object' ? head.query.get('versionId') : undefined
  const target = key === undefined ? { bucket } : { bucket, key, versionId }
  access.demand({ ...target, action: operation.action, ...(object !== undefined && { object }) })
  // An ACL that lets somebody write gives no leave to pass over a retention.
  const isAlongWrite = operation.action === 's3:PutObject'
  for (const action of operation.alsoNeeds?.(head) ?? []) access.demand({ ...target, action, isAlongWrite })
}

/** Fault: AccessDenied, for a caller without an account. */
export function accountOf(identity: Identity): Account {
  if (identity.kind === 'anonymous') throw new StoreFault('AccessDenied', { reason: 'anonymous' })
  return identity.accessKey.account
}

/**
 * `x-amz-expected-bucket-owner` and its like: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
 * Fault: AccessDenied.
 */
export function checkExpectedOwner(expected: string | undefined, bucket: Bucket): void {
  if (expected !== undefined && expected !== bucket.ownerId) {
    throw new StoreFault('AccessDenied', { reason: 'the bucket has another owner than expected' })
  }
}
