import type { Acl } from '../../base/access.ts'
import type { AccountId } from '../../base/ids.ts'
import type { Bucket } from '../../base/model.ts'
import type { S3Action } from '../actions.ts'
import { grants, neededOf } from './acl/judge-acl.ts'
import { aclsCount, bucketAcl, privateAcl, publicAccessBlockOf } from './bucket-rules.ts'
import { compiledPolicy } from './policy/compiled-policies.ts'
import { type Asked, judge, type Verdict } from './policy/policy.ts'

/** What somebody wants to do to a bucket, or to an object in it. */
export interface Wish extends Asked {
  readonly bucket: Bucket
  /** Whose the object is that it is done to; undefined: the bucket owner's, or there is none. */
  readonly access: { readonly ownerId: AccountId; readonly acl?: Acl } | undefined
  /** Looked for, and not there. */
  readonly isMissing: boolean
  /** It is done to an upload that the caller began. */
  readonly isInitiator?: boolean
  /** Said of an object that is being written: who may write by an ACL may say it. */
  readonly isAlongWrite: boolean
}

/** An account can always mend its own bucket's policy, whatever that says: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html */
const NEVER_LOCKED: ReadonlySet<S3Action> = new Set([
  's3:GetBucketPolicy',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
])

/**
 * S3's rules, from what denies to what allows: the key's own policy bounds all that it may; the bucket's policy denies;
 * the owner may; the bucket's policy allows; an ACL grants. `silent`: nothing gives leave, which is a refusal too.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
 */
export function decide(wish: Wish): Verdict {
  const { caller, action, bucket } = wish
  if (caller.policy !== undefined && judge(compiledPolicy(caller.policy, { of: 'key' }), wish) !== 'allow')
    return 'deny'
  const isOwn = caller.accountId === bucket.ownerId
  if (isOwn && caller.policy === undefined && NEVER_LOCKED.has(action)) return 'allow'
  const policyText = bucket.settings.policy
  const policy =
    policyText === undefined ? undefined : compiledPolicy(policyText, { of: 'bucket', bucket: bucket.name })
  const byPolicy = policy === undefined ? 'silent' : judge(policy, wish)
  if (byPolicy === 'deny') return 'deny'
  if (wish.isInitiator) return 'allow'
  const isForeign = isOfSomebodyElse(wish)
  if (isOwn && !isForeign) return 'allow'
  const isRestricted = policy?.isPublic === true && !isOwn && publicAccessBlockOf(bucket.settings).restrictPublicBuckets
  // A bucket's policy gives away what is the bucket owner's, and nothing else.
  if (byPolicy === 'allow' && !isRestricted && !isForeign) return 'allow'
  return aclAllows(wish) ? 'allow' : 'silent'
}

/** With ACLs, whoever wrote an object has it, and the bucket's owner may delete it, but not read it unasked. */
function isOfSomebodyElse({ action, bucket, access }: Wish): boolean {
  if (access === undefined || !aclsCount(bucket.settings)) return false
  return access.ownerId !== bucket.ownerId && neededOf(action)?.of === 'object'
}

function aclAllows({ caller, action, bucket, access, isMissing, isAlongWrite }: Wish): boolean {
  const needed = neededOf(isAlongWrite ? 's3:PutObject' : action)
  if (needed === undefined || !aclsCount(bucket.settings)) return false
  const { ignorePublicAcls } = publicAccessBlockOf(bucket.settings)
  if (needed.of === 'bucket') return grants(bucketAcl(bucket), caller, needed.permission, ignorePublicAcls)
  if (isMissing) return false
  const { ownerId, acl = privateAcl(ownerId) } = access ?? { ownerId: bucket.ownerId }
  // Owners can always see and change who may do what.
  if (ownerId === caller.accountId && needed.permission.endsWith('_ACP')) return true
  return grants(acl, caller, needed.permission, ignorePublicAcls)
}
