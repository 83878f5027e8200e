import type { AccountId } from './ids.ts'

/** What S3 keeps of who may do what, beside policies; plain JSON, as it lies in the catalogue. */

export type ObjectOwnership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean
  readonly ignorePublicAcls: boolean
  readonly blockPublicPolicy: boolean
  readonly restrictPublicBuckets: boolean
}

export type Permission = 'FULL_CONTROL' | 'READ' | 'WRITE' | 'READ_ACP' | 'WRITE_ACP'

/** S3's groups, by the last word of their URI. */
export type GranteeGroup = 'AllUsers' | 'AuthenticatedUsers' | 'LogDelivery'

export interface Grant {
  readonly to: { readonly id: AccountId } | { readonly group: GranteeGroup }
  readonly permission: Permission
}

/** In the order given. */
export type Acl = readonly Grant[]
