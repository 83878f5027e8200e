import { StoreFault } from '../../base/faults.ts'
import type { Bucket, ObjectAccess } from '../../base/model.ts'
import type { Call } from '../operation.ts'
import { type AskedAcl, givesOwnerAll, resolveAcl } from './acl/asked-acl.ts'
import { refusePublic } from './acl/take-acl.ts'
import { aclsCount, isPrivateAcl, ownershipOf } from './bucket-rules.ts'
import { ANONYMOUS_ID } from './caller.ts'

/**
 * Whose an object is that is being written, and its ACL; undefined: the bucket owner's, and private, as all are where ACLs
 * do not count. https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 * Faults: AccessControlListNotSupported, AccessDenied (a public one, where that is blocked), and those of resolveAcl.
 */
export async function writtenAccess(
  { access: { caller }, bucket, engine }: Pick<Call, 'access' | 'engine'> & { bucket: Bucket },
  asked: AskedAcl | undefined,
  signal: AbortSignal,
): Promise<ObjectAccess | undefined> {
  if (!aclsCount(bucket.settings)) {
    if (asked !== undefined && !givesOwnerAll(asked, bucket.ownerId))
      throw new StoreFault('AccessControlListNotSupported', {})
    return undefined
  }
  const isGivenAway =
    ownershipOf(bucket.settings) === 'BucketOwnerPreferred' &&
    asked !== undefined &&
    'canned' in asked &&
    asked.canned === 'bucket-owner-full-control'
  const ownerId = isGivenAway ? bucket.ownerId : (caller.accountId ?? ANONYMOUS_ID)
  const owners = { ownerId, bucketOwnerId: bucket.ownerId }
  const acl = asked && (await resolveAcl(asked, owners, engine.catalogue, signal))
  if (acl) refusePublic(acl, bucket)
  return accessRecord({ ownerId, acl }, bucket)
}

/** What is kept of it: nothing of what goes without saying. */
export function accessRecord(
  { ownerId, acl }: { ownerId: ObjectAccess['ownerId']; acl: ObjectAccess['acl'] | undefined },
  bucket: Bucket,
): ObjectAccess | undefined {
  const isPrivate = acl === undefined || isPrivateAcl(acl, ownerId)
  if (isPrivate) return ownerId === bucket.ownerId ? undefined : { ownerId }
  return { ownerId, acl }
}
