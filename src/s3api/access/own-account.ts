import { StoreFault } from '../../base/faults.ts'
import type { Bucket } from '../../base/model.ts'
import type { RequestHead } from '../request-head.ts'
import type { Access } from './access.ts'

/**
 * A bucket's policy is its owner's account's to see and to change, whatever leave others have:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html. Fault: MethodNotAllowed.
 */
export function demandOwnAccount({ caller }: Access, { ownerId }: Bucket, { method }: RequestHead): void {
  if (caller.accountId !== ownerId) throw new StoreFault('MethodNotAllowed', { method, resource: 'BUCKETPOLICY' })
}
