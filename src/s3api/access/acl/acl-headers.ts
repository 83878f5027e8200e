import type { Permission } from '../../../base/access.ts'
import { StoreFault } from '../../../base/faults.ts'
import { type Field, headers, invalid } from '../../fields.ts'
import { headerOf, type RequestHead } from '../../request-head.ts'
import { type AskedAcl, type AskedGrant, GRANTS_MAX } from './asked-acl.ts'
import { parseCannedAcl } from './canned-acl.ts'
import { groupOfUri } from './groups.ts'

const GRANT_HEADERS: readonly (readonly [header: string, permission: Permission])[] = [
  ['x-amz-grant-full-control', 'FULL_CONTROL'],
  ['x-amz-grant-read', 'READ'],
  ['x-amz-grant-read-acp', 'READ_ACP'],
  ['x-amz-grant-write', 'WRITE'],
  ['x-amz-grant-write-acp', 'WRITE_ACP'],
]

/** `x-amz-acl` or `x-amz-grant-*`. Faults: InvalidArgument, InvalidRequest (both), NotImplemented. */
export const askedAcl: Field<AskedAcl | undefined> = headers(
  'acl',
  ['x-amz-acl', ...GRANT_HEADERS.map(([header]) => header)],
  (head) => {
    const canned = headerOf(head, 'x-amz-acl')
    const grants = GRANT_HEADERS.flatMap(([header, permission]) => readGrants(head, header, permission))
    if (canned === undefined) return grants.length === 0 ? undefined : { grants: bounded(grants) }
    if (grants.length === 0) return { canned: parseCannedAcl(canned, 'x-amz-acl') }
    throw new StoreFault('InvalidRequest', {
      reason: 'Specifying both Canned ACLs and Header Grants is not allowed',
    })
  },
)

/** Whether the request says anything of an ACL. */
export function saysAcl({ headers: sent }: RequestHead): boolean {
  return sent['x-amz-acl'] !== undefined || GRANT_HEADERS.some(([header]) => sent[header] !== undefined)
}

const GRANTEE = /^\s*(id|uri|emailAddress)\s*=\s*(?:"([^"]*)"|([^"\s]*))\s*$/i

/** `id="…", uri="…", emailAddress="…"` */
function readGrants(head: RequestHead, header: string, permission: Permission): AskedGrant[] {
  const value = headerOf(head, header)
  if (value === undefined || value.trim() === '') return []
  return value.split(',').map((piece) => {
    const [, kind, quoted, bare] = GRANTEE.exec(piece) ?? []
    const name = quoted ?? bare ?? ''
    if (kind === undefined) throw invalid(header, value, 'Argument format not recognized')
    if (kind.toLowerCase() === 'id') return { to: { id: name }, permission }
    return { to: kind.toLowerCase() === 'uri' ? { group: groupOfUri(name) } : { email: name }, permission }
  })
}

function bounded(grants: AskedGrant[]): AskedGrant[] {
  if (grants.length > GRANTS_MAX) throw new StoreFault('InvalidRequest', { reason: `over ${GRANTS_MAX} grants` })
  return grants
}
