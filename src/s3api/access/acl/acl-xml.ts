import type { Acl, Permission } from '../../../base/access.ts'
import { StoreFault } from '../../../base/faults.ts'
import type { AccountId } from '../../../base/ids.ts'
import type { Catalogue } from '../../../engine/ports/catalogue.ts'
import { owner } from '../../shapes.ts'
import { text } from '../../xml/kinds.ts'
import { type Infer, listOf, optional, structure, withAttributes } from '../../xml/shape.ts'
import { ANONYMOUS_ID } from '../caller.ts'
import { type AskedAcl, type AskedGrant, GRANTS_MAX } from './asked-acl.ts'
import { groupOfUri, uriOfGroup } from './groups.ts'

const members = {
  ID: optional(text),
  DisplayName: optional(text),
  URI: optional(text),
  EmailAddress: optional(text),
}
const grantee = withAttributes(structure(members), ({ URI }) => {
  return ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${URI === undefined ? 'CanonicalUser' : 'Group'}"`
})

/** As GetBucketAcl and GetObjectAcl answer. */
export const aclXml = structure({
  Owner: owner,
  AccessControlList: listOf('Grant', structure({ Grantee: grantee, Permission: text })),
})

/** As PutBucketAcl and PutObjectAcl take it. */
export const askedAclXml = structure({
  Owner: optional(structure({ ID: optional(text), DisplayName: optional(text) })),
  AccessControlList: optional(
    listOf('Grant', structure({ Grantee: optional(structure(members)), Permission: optional(text) })),
  ),
})

const PERMISSIONS: readonly string[] = ['FULL_CONTROL', 'READ', 'WRITE', 'READ_ACP', 'WRITE_ACP'] satisfies Permission[]

/** Faults: MalformedACLError, InvalidArgument (a group that is none), AccessDenied (another owner: nobody can give away what is his). */
export function aclFromXml(document: Infer<typeof askedAclXml>, ownerId: AccountId): AskedAcl {
  const { Owner, AccessControlList: list } = document
  if (Owner?.ID === undefined || list === undefined || list.length > GRANTS_MAX) throw malformedAcl()
  if (Owner.ID.trim() !== ownerId) throw new StoreFault('AccessDenied', { reason: 'the ACL names another owner' })
  return {
    grants: list.map(({ Grantee, Permission }): AskedGrant => {
      const permission = Permission?.trim()
      if (Grantee === undefined || permission === undefined || !PERMISSIONS.includes(permission)) throw malformedAcl()
      return { to: granteeFromXml(Grantee), permission: permission as Permission }
    }),
  }
}

/** With the names that accounts show. */
export async function aclToXml(
  acl: Acl,
  ownerId: AccountId,
  catalogue: Pick<Catalogue, 'findAccount'>,
  signal: AbortSignal,
): Promise<Infer<typeof aclXml>> {
  const ids = new Set([ownerId, ...acl.flatMap(({ to }) => ('id' in to ? [to.id] : []))])
  const names = new Map(
    await Promise.all([...ids].map(async (id) => [id, await nameOf(id, catalogue, signal)] as const)),
  )
  return {
    Owner: { ID: ownerId, DisplayName: names.get(ownerId) ?? '' },
    AccessControlList: acl.map(({ to, permission }) => ({
      Grantee: 'id' in to ? { ID: to.id, DisplayName: names.get(to.id) } : { URI: uriOfGroup(to.group) },
      Permission: permission,
    })),
  }
}

async function nameOf(id: AccountId, catalogue: Pick<Catalogue, 'findAccount'>, signal: AbortSignal): Promise<string> {
  if (id === ANONYMOUS_ID) return ''
  return (await catalogue.findAccount(id, signal))?.displayName ?? ''
}

/** What it holds says which kind it is, as its xsi:type does. */
function granteeFromXml({ ID, URI, EmailAddress }: Infer<typeof grantee>): AskedGrant['to'] {
  if (ID !== undefined) return { id: ID.trim() }
  if (URI !== undefined) return { group: groupOfUri(URI.trim()) }
  if (EmailAddress !== undefined) return { email: EmailAddress.trim() }
  throw malformedAcl()
}

function malformedAcl(): StoreFault {
  return new StoreFault('MalformedACLError', {})
}
