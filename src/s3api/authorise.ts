import { StoreFault } from '../base/faults.ts'
import type { Account, Bucket } from '../base/model.ts'
import type { S3Action } from './actions.ts'
import type { Identity } from './auth/authenticate.ts'

/**
 * Whether this caller may do this. Today a bucket's owner may do everything with it, and nobody else anything; what needs
 * no bucket, every account may do. Fault: AccessDenied.
 */
export function authorise(identity: Identity, action: S3Action, bucket: Bucket | undefined): void {
  const account = accountOf(identity)
  if (bucket !== undefined && bucket.ownerId !== account.id) {
    throw new StoreFault('AccessDenied', { reason: `${action} on a bucket of another account` })
  }
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
