import type { Acl, Grant, GranteeGroup, Permission } from '../../../base/access.ts'
import { StoreFault } from '../../../base/faults.ts'
import type { AccountId } from '../../../base/ids.ts'
import { invalid, type Parse } from '../../fields.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
export type CannedAcl =
  | 'private'
  | 'public-read'
  | 'public-read-write'
  | 'authenticated-read'
  | 'bucket-owner-read'
  | 'bucket-owner-full-control'
  | 'log-delivery-write'

/** Faults: InvalidArgument; NotImplemented (aws-exec-read: there is no EC2 here to read). */
export const parseCannedAcl: Parse<CannedAcl> = (value, name) => {
  const asked = value.trim().toLowerCase()
  if (asked === 'aws-exec-read') throw new StoreFault('NotImplemented', { feature: 'The ACL aws-exec-read' })
  if (!Object.hasOwn(GRANTS, asked)) throw invalid(name, value, '')
  return asked as CannedAcl
}

export function cannedGrants(
  canned: CannedAcl,
  { ownerId, bucketOwnerId }: { ownerId: AccountId; bucketOwnerId: AccountId },
): Acl {
  const owner: Grant = { to: { id: ownerId }, permission: 'FULL_CONTROL' }
  const beside = GRANTS[canned].map(([who, permission]): Grant => {
    return { to: who === 'bucket owner' ? { id: bucketOwnerId } : { group: who }, permission }
  })
  // Whoever owns both has no need of a second grant.
  return [owner, ...beside.filter(({ to }) => !('id' in to && to.id === ownerId))]
}

/** Beside the owner's FULL_CONTROL. */
const GRANTS: Readonly<Record<CannedAcl, readonly (readonly [GranteeGroup | 'bucket owner', Permission])[]>> = {
  private: [],
  'public-read': [['AllUsers', 'READ']],
  'public-read-write': [
    ['AllUsers', 'READ'],
    ['AllUsers', 'WRITE'],
  ],
  'authenticated-read': [['AuthenticatedUsers', 'READ']],
  'bucket-owner-read': [['bucket owner', 'READ']],
  'bucket-owner-full-control': [['bucket owner', 'FULL_CONTROL']],
  'log-delivery-write': [
    ['LogDelivery', 'WRITE'],
    ['LogDelivery', 'READ_ACP'],
  ],
}
