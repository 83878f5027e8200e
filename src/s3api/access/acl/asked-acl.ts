import type { Acl, GranteeGroup, Permission } from '../../../base/access.ts'
import { StoreFault } from '../../../base/faults.ts'
import type { AccountId } from '../../../base/ids.ts'
import type { Catalogue } from '../../../engine/ports/catalogue.ts'
import { invalid } from '../../fields.ts'
import { type CannedAcl, cannedGrants } from './canned-acl.ts'

/** An ACL as a client asks for it. */
export type AskedAcl = { readonly canned: CannedAcl } | { readonly grants: readonly AskedGrant[] }

export interface AskedGrant {
  readonly to: { readonly id: string } | { readonly group: GranteeGroup } | { readonly email: string }
  readonly permission: Permission
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html */
export const GRANTS_MAX = 100

/** The same with every grantee known to exist. Faults: InvalidArgument (no such id), UnresolvableGrantByEmailAddress. */
export async function resolveAcl(
  asked: AskedAcl,
  owners: { ownerId: AccountId; bucketOwnerId: AccountId },
  catalogue: Pick<Catalogue, 'findAccount' | 'findAccountByEmail'>,
  signal: AbortSignal,
): Promise<Acl> {
  if ('canned' in asked) return cannedGrants(asked.canned, owners)
  const resolved = new Map<string, AccountId>()
  for (const { to } of asked.grants) {
    const name = 'id' in to ? to.id : 'email' in to ? to.email : undefined
    if (name === undefined || resolved.has(name)) continue
    resolved.set(name, await ('id' in to ? findId(to.id, catalogue, signal) : findEmail(name, catalogue, signal)))
  }
  return asked.grants.map(({ to, permission }) => {
    if ('group' in to) return { to, permission }
    return { to: { id: resolved.get('id' in to ? to.id : to.email) as AccountId }, permission }
  })
}

/** `private` and its like, which are taken where ACLs do not count: they ask for what is so anyway. */
export function givesOwnerAll(asked: AskedAcl, ownerId: AccountId): boolean {
  if ('canned' in asked) return asked.canned === 'private' || asked.canned === 'bucket-owner-full-control'
  return asked.grants.every(({ to, permission }) => 'id' in to && to.id === ownerId && permission === 'FULL_CONTROL')
}

async function findId(id: string, catalogue: Pick<Catalogue, 'findAccount'>, signal: AbortSignal): Promise<AccountId> {
  const account = /^[0-9a-f]{64}$/.test(id) ? await catalogue.findAccount(id as AccountId, signal) : undefined
  if (!account) throw invalid('CanonicalUser/ID', id, 'Invalid id')
  return account.id
}

async function findEmail(
  email: string,
  catalogue: Pick<Catalogue, 'findAccountByEmail'>,
  signal: AbortSignal,
): Promise<AccountId> {
  const account = await catalogue.findAccountByEmail(email, signal)
  if (!account) throw new StoreFault('UnresolvableGrantByEmailAddress', { email: email.slice(0, 320) })
  return account.id
}
