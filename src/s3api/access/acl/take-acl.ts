import type { Acl } from '../../../base/access.ts'
import { StoreFault } from '../../../base/faults.ts'
import type { AccountId } from '../../../base/ids.ts'
import type { Bucket } from '../../../base/model.ts'
import type { Catalogue } from '../../../engine/ports/catalogue.ts'
import type { Infer } from '../../xml/shape.ts'
import { aclsCount, isPublicGrant, publicAccessBlockOf } from '../bucket-rules.ts'
import { aclFromXml, type askedAclXml } from './acl-xml.ts'
import { type AskedAcl, givesOwnerAll, resolveAcl } from './asked-acl.ts'

/** What PutBucketAcl and PutObjectAcl are given: headers or a document, and just one of them. */
export interface AclRequest {
  headers: AskedAcl | undefined
  document: Infer<typeof askedAclXml> | undefined
}

/**
 * The ACL that a bucket or an object of `ownerId` is to have from now on. Where ACLs are off, one that gives its owner all is
 * taken all the same: s3cmd puts it after each copy.
 * Faults: AccessControlListNotSupported, MissingSecurityHeader (nothing was given), InvalidRequest (both were),
 * AccessDenied (a public one, where that is blocked), and those of resolveAcl and aclFromXml.
 */
export async function takeAcl(
  { headers, document }: AclRequest,
  { bucket, ownerId }: { bucket: Bucket; ownerId: AccountId },
  catalogue: Pick<Catalogue, 'findAccount' | 'findAccountByEmail'>,
  signal: AbortSignal,
): Promise<Acl> {
  if (headers && document) throw new StoreFault('InvalidRequest', { reason: 'This request does not support content' })
  if (!headers && !document) throw new StoreFault('MissingSecurityHeader', { header: 'x-amz-acl' })
  const asked = headers ?? aclFromXml(document!, ownerId)
  if (!aclsCount(bucket.settings) && !givesOwnerAll(asked, bucket.ownerId)) {
    throw new StoreFault('AccessControlListNotSupported', {})
  }
  const acl = await resolveAcl(asked, { ownerId, bucketOwnerId: bucket.ownerId }, catalogue, signal)
  refusePublic(acl, bucket)
  return acl
}

/** Fault: AccessDenied. */
export function refusePublic(acl: Acl, { settings }: Pick<Bucket, 'settings'>): void {
  if (publicAccessBlockOf(settings).blockPublicAcls && acl.some(isPublicGrant)) {
    throw new StoreFault('AccessDenied', { reason: 'the bucket takes no public ACL' })
  }
}
