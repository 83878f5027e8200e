import type { AccountId } from '../../../base/ids.ts'
import type { Caller } from '../caller.ts'
import { malformedPolicy } from './malformed.ts'

/** Whom a statement speaks of. */
export interface Principals {
  /** The anonymous too. */
  readonly everyone: boolean
  readonly accounts: ReadonlySet<AccountId>
  /** Access keys, each with the account that it has to belong to. */
  readonly keys: ReadonlyMap<string, AccountId>
}

const ARN = /^arn:aws:iam::([0-9a-f]{64}):(?:root|user\/([\w.-]{3,128}))$/
const CANONICAL_ID = /^[0-9a-f]{64}$/

/**
 * `"*"`, or `{"AWS": …}` with `*`, canonical ids and ARNs, or `{"CanonicalUser": …}`; lists of them. Accounts have no
 * other number here than the canonical id, so an ARN has that. Fault: MalformedPolicy.
 */
export function parsePrincipals(value: unknown): Principals {
  if (value === '*') return { everyone: true, accounts: new Set(), keys: new Map() }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalidPrincipal()
  const found = { everyone: false, accounts: new Set<AccountId>(), keys: new Map<string, AccountId>() }
  const kinds = Object.entries(value)
  if (kinds.length === 0) throw malformedPolicy('Missing required field Principal cannot be empty!')
  for (const [kind, names] of kinds) {
    if (kind !== 'AWS' && kind !== 'CanonicalUser') throw invalidPrincipal()
    for (const name of namesOf(names)) {
      if (kind === 'AWS' && name === '*') found.everyone = true
      else addAccount(name, kind, found)
    }
  }
  return found
}

export function names({ everyone, accounts, keys }: Principals, { accountId, accessKeyId }: Caller): boolean {
  if (everyone) return true
  if (accountId === undefined) return false
  return accounts.has(accountId) || (accessKeyId !== undefined && keys.get(accessKeyId) === accountId)
}

export function invalidPrincipal() {
  return malformedPolicy('Invalid principal in policy')
}

function addAccount(
  name: string,
  kind: 'AWS' | 'CanonicalUser',
  to: { accounts: Set<AccountId>; keys: Map<string, AccountId> },
): void {
  if (CANONICAL_ID.test(name)) {
    to.accounts.add(name as AccountId)
    return
  }
  const [, id, accessKeyId] = (kind === 'AWS' && ARN.exec(name)) || []
  if (id === undefined) throw invalidPrincipal()
  if (accessKeyId === undefined) to.accounts.add(id as AccountId)
  else to.keys.set(accessKeyId, id as AccountId)
}

function namesOf(value: unknown): string[] {
  const all = Array.isArray(value) ? value : [value]
  if (all.length === 0 || !all.every((name) => typeof name === 'string')) throw invalidPrincipal()
  return all
}
