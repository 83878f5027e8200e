import type { Acl, Permission } from '../../../base/access.ts'
import type { S3Action } from '../../actions.ts'
import type { Caller } from '../caller.ts'

/** What an ACL has to grant for an action, and which one: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping */
const NEEDED: Readonly<Partial<Record<S3Action, { of: 'bucket' | 'object'; permission: Permission }>>> = {
  's3:DeleteObject': { of: 'bucket', permission: 'WRITE' },
  's3:GetBucketAcl': { of: 'bucket', permission: 'READ_ACP' },
  's3:GetObject': { of: 'object', permission: 'READ' },
  's3:GetObjectAcl': { of: 'object', permission: 'READ_ACP' },
  's3:GetObjectAttributes': { of: 'object', permission: 'READ' },
  's3:GetObjectVersion': { of: 'object', permission: 'READ' },
  's3:GetObjectVersionAcl': { of: 'object', permission: 'READ_ACP' },
  's3:GetObjectVersionAttributes': { of: 'object', permission: 'READ' },
  's3:ListBucket': { of: 'bucket', permission: 'READ' },
  's3:ListBucketMultipartUploads': { of: 'bucket', permission: 'READ' },
  's3:ListBucketVersions': { of: 'bucket', permission: 'READ' },
  's3:PutBucketAcl': { of: 'bucket', permission: 'WRITE_ACP' },
  's3:PutObject': { of: 'bucket', permission: 'WRITE' },
  's3:PutObjectAcl': { of: 'object', permission: 'WRITE_ACP' },
  's3:PutObjectVersionAcl': { of: 'object', permission: 'WRITE_ACP' },
}

/** undefined: no ACL gives leave for it. */
export function neededOf(action: S3Action) {
  return NEEDED[action]
}

/** `ignoresPublic`: what is granted to groups of everybody counts for nothing. */
export function grants(acl: Acl, caller: Caller, wanted: Permission, ignoresPublic: boolean): boolean {
  return acl.some(({ to, permission }) => {
    if (permission !== wanted && permission !== 'FULL_CONTROL') return false
    if ('id' in to) return to.id === caller.accountId
    if (ignoresPublic) return false
    return to.group === 'AllUsers' || (to.group === 'AuthenticatedUsers' && caller.accountId !== undefined)
  })
}
