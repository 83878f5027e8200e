import type { ObjectOwnership } from '../../base/access.ts'
import { StoreFault } from '../../base/faults.ts'
import type { AccountId } from '../../base/ids.ts'
import type { BucketSettings } from '../../base/model.ts'
import type { Catalogue } from '../../engine/ports/catalogue.ts'
import type { S3Settings } from '../settings.ts'
import { type AskedAcl, resolveAcl } from './acl/asked-acl.ts'
import { isPrivateAcl, isPublicGrant } from './bucket-rules.ts'
import { toSetting } from './object-ownership.ts'

interface NewBucketAsked {
  ownership: ObjectOwnership | undefined
  acl: AskedAcl | undefined
  ownerId: AccountId
  settings: S3Settings
}

/**
 * Ownership, ACL and public access block of a bucket that is being made. Faults: InvalidBucketAclWithObjectOwnership,
 * InvalidBucketAclWithBlockPublicAccessError, and those of resolveAcl.
 */
export async function newBucketRules(
  { ownership: asked, acl: askedAcl, ownerId, settings: { newBuckets } }: NewBucketAsked,
  catalogue: Pick<Catalogue, 'findAccount' | 'findAccountByEmail'>,
  signal: AbortSignal,
): Promise<BucketSettings> {
  const ownership = asked ?? newBuckets?.ownership ?? 'BucketOwnerEnforced'
  const blocksPublicAccess = newBuckets?.blocksPublicAccess ?? true
  const acl = askedAcl && (await resolveAcl(askedAcl, { ownerId, bucketOwnerId: ownerId }, catalogue, signal))
  const isPrivate = acl === undefined || isPrivateAcl(acl, ownerId)
  if (!isPrivate && ownership === 'BucketOwnerEnforced') throw new StoreFault('InvalidBucketAclWithObjectOwnership', {})
  if (blocksPublicAccess && acl?.some(isPublicGrant)) {
    throw new StoreFault('InvalidBucketAclWithBlockPublicAccessError', {})
  }
  const kept = toSetting(ownership)
  return {
    ...(kept !== undefined && { ownership: kept }),
    ...(!isPrivate && { acl }),
    ...(!blocksPublicAccess && { publicAccessBlock: 'none' as const }),
  }
}
