import { timingSafeEqual } from 'node:crypto'
import type { Random } from '../../base/clock.ts'
import type { Encryption } from '../../base/encryption.ts'
import { StoreFault } from '../../base/faults.ts'
import type { ObjectExtras } from '../../base/model.ts'
import { KEY_BYTES, seal, unseal } from '../../base/seal.ts'
import { DEFAULT_KMS_KEY, type KeyRing } from './key-ring.ts'

/** How a client, or its bucket, wants an object to be sealed. */
export type EncryptionWish =
  | { kind: 'AES256' }
  | { kind: 'aws:kms'; keyId: string | undefined; context: string | undefined; isBucketKey: boolean }
  | { kind: 'customer'; customerKey: Buffer }

/** What the bytes of an object, or of an upload, are encrypted with; and what is kept of that. */
export interface ContentKey {
  dataKey: Buffer
  encryption: Encryption
}

type SealDeps = { keys: KeyRing; random: Random }

/** A new data key, sealed as wished. Fault: KMS.NotFoundException. */
export async function makeContentKey(deps: SealDeps, wish: EncryptionWish, signal: AbortSignal): Promise<ContentKey> {
  return await sealContentKey(deps, deps.random.bytes(KEY_BYTES), wish, signal)
}

/** The same data key, sealed as wished: what was encrypted with it is not touched. */
export async function sealContentKey(
  { keys, random }: SealDeps,
  dataKey: Buffer,
  wish: EncryptionWish,
  signal: AbortSignal,
): Promise<ContentKey> {
  if (wish.kind === 'customer') {
    const kept = { kind: wish.kind }
    return { dataKey, encryption: { ...kept, sealedKey: sealed(wish.customerKey, dataKey, kept, random) } }
  }
  const isKms = wish.kind === 'aws:kms'
  const under = await keys.current(isKms ? (wish.keyId ?? DEFAULT_KMS_KEY) : undefined, signal)
  const kept: Unsealed = {
    kind: wish.kind,
    sealedBy: under.id,
    ...(isKms && { keyId: under.name }),
    ...(isKms && wish.context !== undefined && { context: wish.context }),
    ...(isKms && wish.isBucketKey && { isBucketKey: true }),
  }
  return { dataKey, encryption: { ...kept, sealedKey: sealed(under.key, dataKey, kept, random) } }
}

/** How a refusal of a customer's key is put. */
interface Refusals {
  missing: string
  unwanted: string
  wrong: () => StoreFault
}

const objectRefusals: Refusals = {
  missing:
    'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
  unwanted: 'The encryption parameters are not applicable to this object.',
  wrong: () => new StoreFault('AccessDenied', { reason: 'another customer key' }),
}
/** Of parts, which are refused when they are not encrypted as their upload was begun. */
export const uploadRefusals: Refusals = {
  missing:
    'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.',
  unwanted:
    'The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.',
  wrong: () =>
    new StoreFault('InvalidRequest', {
      reason: 'The provided encryption parameters did not match the ones used originally.',
    }),
}

/**
 * The data key of what is stored; undefined where it is not encrypted. Faults: InvalidRequest (a customer key that is
 * missing, or that there is no use for), AccessDenied (it is another), KMS.NotFoundException (a key that is configured no
 * longer).
 */
export function openContentKey(
  keys: KeyRing,
  encryption: Encryption | undefined,
  customerKey: Buffer | undefined,
  refusals = objectRefusals,
): ContentKey | undefined {
  const isCustomers = encryption?.kind === 'customer'
  if (isCustomers !== (customerKey !== undefined)) {
    throw new StoreFault('InvalidRequest', { reason: isCustomers ? refusals.missing : refusals.unwanted })
  }
  if (!encryption) return undefined
  if (!customerKey) return { encryption, dataKey: opened(storesKey(keys, encryption), encryption) }
  try {
    return { encryption, dataKey: opened(customerKey, encryption) }
  } catch {
    throw refusals.wrong()
  }
}

function storesKey(keys: KeyRing, { kind, sealedBy = '', keyId = '' }: Encryption): Buffer {
  const under = keys.find(sealedBy)
  if (under) return under.key
  if (kind === 'aws:kms') throw new StoreFault('KMS.NotFoundException', { keyId })
  throw new Error(`the data key was sealed under ${sealedBy}, of another sealing key than this store's`)
}

export function withEncryption(
  extras: ObjectExtras | undefined,
  content: ContentKey | undefined,
): ObjectExtras | undefined {
  return content ? { ...extras, encryption: content.encryption } : extras
}

/** Whether a copy may go on with its source's data key: under the same key of the same kind, whoever opens one opens both. */
export function sharesKey(
  source: { encryption: Encryption | undefined; customerKey: Buffer | undefined },
  wish: EncryptionWish | undefined,
  keys: KeyRing,
): boolean {
  const { encryption, customerKey } = source
  if (encryption?.kind !== wish?.kind) return false
  if (wish?.kind === 'customer') return customerKey !== undefined && timingSafeEqual(customerKey, wish.customerKey)
  if (wish?.kind === 'aws:kms') return keys.isSame(encryption?.keyId ?? '', wish.keyId ?? DEFAULT_KMS_KEY)
  return true
}

type Unsealed = Omit<Encryption, 'sealedKey'>

function sealed(key: Buffer, dataKey: Buffer, kept: Unsealed, random: Random): string {
  return seal(key, dataKey, purposeOf(kept), random).toString('base64')
}

function opened(key: Buffer, encryption: Encryption): Buffer {
  return unseal(key, Buffer.from(encryption.sealedKey, 'base64'), purposeOf(encryption))
}

function purposeOf({ kind, keyId = '', context = '' }: Unsealed): string {
  return JSON.stringify([kind, keyId, context])
}
