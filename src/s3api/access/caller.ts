import type { AccountId } from '../../base/ids.ts'
import type { Identity } from '../auth/authenticate.ts'

/** Whoever asks, as policies and ACLs name them. A key with a policy of its own is a user of its account, and no more. */
export interface Caller {
  /** undefined: anonymous. */
  readonly accountId: AccountId | undefined
  readonly accessKeyId: string | undefined
  /** The policy that bounds its key; undefined: all that its account may. */
  readonly policy: string | undefined
}

/** S3's id for whoever signs nothing: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */
export const ANONYMOUS_ID = '65a011a29cdf8ec533ec3d1ccaae921c' as AccountId

const ANONYMOUS: Caller = { accountId: undefined, accessKeyId: undefined, policy: undefined }

export function callerOf(identity: Identity): Caller {
  if (identity.kind === 'anonymous') return ANONYMOUS
  const { account, accessKeyId, policy } = identity.accessKey
  return { accountId: account.id, accessKeyId, policy }
}

/** `arn:aws:iam::<canonical id>:root`, or `:user/<access key id>`. */
export function arnOf({ accountId, accessKeyId, policy }: Caller): string | undefined {
  if (accountId === undefined) return undefined
  return `arn:aws:iam::${accountId}:${policy === undefined ? 'root' : `user/${accessKeyId}`}`
}
