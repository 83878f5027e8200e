import type { Random } from '../../base/clock.ts'
import type { Encryption } from '../../base/encryption.ts'
import { isFault } from '../../base/faults.ts'
import type { ObjectSeal, Resealed, SealedKeys, UploadSeal } from '../ports/sealed-keys.ts'
import { type EncryptionWish, openContentKey, sealContentKey } from './data-keys.ts'
import type { KeyRing } from './key-ring.ts'

export interface ResealDeps {
  sealed: SealedKeys
  keys: KeyRing
  random: Random
  /** Told after each page. */
  progress(tally: ResealTally): void
}

export interface ResealTally {
  /** Data keys that were looked at. */
  looked: number
  resealed: number
  /** Under a key that is configured no longer. */
  lost: number
}

/** Rows in one statement: few enough that whoever writes to one of them never waits for long. */
const ROWS_AT_ONCE = 200

/**
 * Seals anew every data key that is not sealed under the newest key of its name. What it opens is not touched. It may be
 * broken off and begun again at any time.
 */
export async function resealKeys(deps: ResealDeps, signal: AbortSignal): Promise<ResealTally> {
  const { sealed } = deps
  const tally = { looked: 0, resealed: 0, lost: 0 }
  await resealAll<ObjectSeal>(
    deps,
    tally,
    {
      list: (after, rowsMax) => sealed.listObjectKeys({ after, rowsMax }, signal),
      replace: (changes) => sealed.replaceObjectKeys(changes, signal),
    },
    signal,
  )
  await resealAll<UploadSeal>(
    deps,
    tally,
    {
      list: (after, rowsMax) => sealed.listUploadKeys({ after, rowsMax }, signal),
      replace: (changes) => sealed.replaceUploadKeys(changes, signal),
    },
    signal,
  )
  return tally
}

interface SealTable<S> {
  list(after: S | undefined, rowsMax: number): Promise<S[]>
  replace(changes: readonly (S & Resealed)[]): Promise<void>
}

async function resealAll<S extends { encryption: Encryption }>(
  deps: ResealDeps,
  tally: ResealTally,
  table: SealTable<S>,
  signal: AbortSignal,
): Promise<void> {
  for (let after: S | undefined; ; ) {
    const page = await table.list(after, ROWS_AT_ONCE)
    const changes: (S & Resealed)[] = []
    for (const row of page) {
      const resealed = await reseal(deps, row.encryption, tally, signal)
      if (resealed) changes.push({ ...row, resealed })
    }
    if (changes.length > 0) await table.replace(changes)
    tally.looked += page.length
    tally.resealed += changes.length
    deps.progress(tally)
    if (page.length < ROWS_AT_ONCE) return
    after = page.at(-1)
  }
}

/** undefined: it is as it should be, or cannot be opened. */
async function reseal(
  { keys, random }: ResealDeps,
  encryption: Encryption,
  tally: ResealTally,
  signal: AbortSignal,
): Promise<Encryption | undefined> {
  const wish = wishOf(encryption)
  if (!wish) return undefined
  try {
    const newest = await keys.current(wish.kind === 'aws:kms' ? wish.keyId : undefined, signal)
    if (newest.id === encryption.sealedBy) return undefined
    const { dataKey } = openContentKey(keys, encryption, undefined)!
    return (await sealContentKey({ keys, random }, dataKey, wish, signal)).encryption
  } catch (error) {
    if (!isFault(error, 'KMS.NotFoundException')) throw error
    tally.lost += 1
    return undefined
  }
}

function wishOf({ kind, keyId, context, isBucketKey = false }: Encryption): EncryptionWish | undefined {
  if (kind === 'customer') return undefined
  return kind === 'aws:kms' ? { kind, keyId, context, isBucketKey } : { kind }
}
