import type { AccountId } from '../../base/ids.ts'
import type { Catalogue } from '../../engine/ports/catalogue.ts'
import type { Policy } from './policy/policy.ts'
import { invalidPrincipal } from './policy/principals.ts'

/** Whoever a policy names must be there: a name that was misspelt would let in nobody, or whoever takes it later. Fault: MalformedPolicy. */
export async function checkPrincipals(
  { statements }: Policy,
  catalogue: Pick<Catalogue, 'findAccount' | 'findAccessKey'>,
  signal: AbortSignal,
): Promise<void> {
  const accounts = new Set<AccountId>()
  const keys = new Map<string, AccountId>()
  for (const { principals } of statements) {
    for (const id of principals?.list.accounts ?? []) accounts.add(id)
    for (const [accessKeyId, id] of principals?.list.keys ?? []) keys.set(accessKeyId, id)
  }
  for (const id of accounts) {
    if (!(await catalogue.findAccount(id, signal))) throw invalidPrincipal()
  }
  for (const [accessKeyId, id] of keys) {
    const key = await catalogue.findAccessKey(accessKeyId, signal)
    if (key?.account.id !== id) throw invalidPrincipal()
  }
}
