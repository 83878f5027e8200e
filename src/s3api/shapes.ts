import type { AccountId } from '../base/ids.ts'
import type { Account } from '../base/model.ts'
import type { Engine } from '../engine/engine.ts'
import type { Identity } from './auth/authenticate.ts'
import { text } from './xml/kinds.ts'
import { optional, structure } from './xml/shape.ts'

/** Whom something belongs to, as S3's XML has it: Owner, Initiator. */
export const owner = structure({ ID: text, DisplayName: text })

export const versioningConfiguration = structure({ Status: optional(text), MfaDelete: optional(text) })

/** The caller's own account needs no look-up. */
export async function ownerOf(
  id: AccountId,
  { engine, identity }: { engine: Engine; identity: Identity },
  signal: AbortSignal,
): Promise<{ ID: string; DisplayName: string }> {
  const own: Account | undefined = identity.kind === 'account' ? identity.accessKey.account : undefined
  const account = own?.id === id ? own : await engine.catalogue.findAccount(id, signal)
  return { ID: id, DisplayName: account?.displayName ?? '' }
}
