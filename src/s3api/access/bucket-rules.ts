import type { Acl, Grant, ObjectOwnership, PublicAccessBlock } from '../../base/access.ts'
import { StoreFault } from '../../base/faults.ts'
import type { AccountId } from '../../base/ids.ts'
import type { Bucket, BucketSettings, ObjectVersion } from '../../base/model.ts'

/** What a bucket's settings mean where they say nothing: S3's defaults of today. */

export const ALL_BLOCKED: PublicAccessBlock = {
  blockPublicAcls: true,
  ignorePublicAcls: true,
  blockPublicPolicy: true,
  restrictPublicBuckets: true,
}

export const NONE_BLOCKED: PublicAccessBlock = {
  blockPublicAcls: false,
  ignorePublicAcls: false,
  blockPublicPolicy: false,
  restrictPublicBuckets: false,
}

export function publicAccessBlockOf({ publicAccessBlock = ALL_BLOCKED }: BucketSettings): PublicAccessBlock {
  return publicAccessBlock === 'none' ? NONE_BLOCKED : publicAccessBlock
}

/** Fault: NoSuchBucketPolicy. */
export function policyOf({ name, settings }: Bucket): string {
  if (settings.policy === undefined) throw new StoreFault('NoSuchBucketPolicy', { bucket: name })
  return settings.policy
}

/** undefined: the bucket has no ownership controls. */
export function ownershipOf({ ownership }: BucketSettings): ObjectOwnership | undefined {
  return ownership === 'none' ? undefined : (ownership ?? 'BucketOwnerEnforced')
}

/** Whether the bucket's ACL and those of its objects count. */
export function aclsCount({ ownership }: BucketSettings): boolean {
  return ownership !== undefined
}

export function bucketAcl({ ownerId, settings }: Bucket): Acl {
  return settings.acl ?? privateAcl(ownerId)
}

/** Whose an object is, and its ACL. */
export function objectAcl(bucket: Bucket, { extras }: ObjectVersion): { ownerId: AccountId; acl: Acl } {
  const access = aclsCount(bucket.settings) ? extras?.access : undefined
  const { ownerId, acl = privateAcl(ownerId) } = access ?? { ownerId: bucket.ownerId }
  return { ownerId, acl }
}

export function privateAcl(ownerId: AccountId): Acl {
  return [{ to: { id: ownerId }, permission: 'FULL_CONTROL' }]
}

export function isPublicGrant({ to }: Grant): boolean {
  return 'group' in to && to.group !== 'LogDelivery'
}

/** What an ACL is that nobody set. */
export function isPrivateAcl(acl: Acl, ownerId: AccountId): boolean {
  const [only, ...more] = acl
  if (only === undefined || more.length > 0) return false
  return 'id' in only.to && only.to.id === ownerId && only.permission === 'FULL_CONTROL'
}
