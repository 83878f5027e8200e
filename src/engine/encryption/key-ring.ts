import { hkdfSync } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { StoreFault } from '../../base/faults.ts'
import { KEY_BYTES } from '../../base/seal.ts'
import type { KeyGenerations } from '../ports/key-generations.ts'

/** A key that data keys are sealed under. */
export interface WrappingKey {
  /** Says which key it is, in what it sealed; tells nothing of the key itself. */
  id: string
  /** As clients name it. */
  name: string
  key: Buffer
}

export interface NamedKey {
  name: string
  key: Buffer
}

export interface KeyRing {
  /** What is sealed under now; `undefined`: the store's own key. Faults: KMS.NotFoundException; ServiceUnavailable. */
  current(name: string | undefined, signal: AbortSignal): Promise<WrappingKey>
  /** undefined: no key of this store, or no longer. */
  find(id: string): WrappingKey | undefined
  /** Whether two names mean one key. */
  isSame(a: string, b: string): boolean
}

const STORE_KEY = 'sse-s3'
/** What S3 calls the key that SSE-KMS uses when none is named: the store's own too, unless one is configured. */
export const DEFAULT_KMS_KEY = 'aws/s3'
/** How old a gateway's idea of the newest key may be, in ms: whoever re-seals after a rotation waits longer. */
export const GENERATION_MS_MAX = 5_000

export interface KeyRingDeps {
  /** What the store's own keys are derived of. */
  sealingKey: Buffer
  /** Of several under one name, the first seals, the others open what they sealed. */
  kmsKeys: readonly NamedKey[]
  generations: KeyGenerations
  clock: Pick<Clock, 'nowMs'>
}

/**
 * All keys that data keys are sealed under. The store's own are derived of the sealing key and a generation (HKDF), so
 * that whoever has the sealing key has them all, with the database lost too; named ones are configured.
 */
export function createKeyRing({ sealingKey, kmsKeys, generations, clock }: KeyRingDeps): KeyRing {
  const root = fingerprint(sealingKey)
  const known = new Map<string, WrappingKey>()
  const named = new Map<string, WrappingKey>()
  for (const { name, key } of kmsKeys) {
    const wrapping = { id: `${name}#${fingerprint(key)}`, name, key }
    known.set(wrapping.id, wrapping)
    if (!named.has(plainName(name))) named.set(plainName(name), wrapping)
  }
  let newest: { generation: number; atMs: number } | undefined

  async function generation(signal: AbortSignal): Promise<number> {
    const atMs = clock.nowMs()
    if (newest && atMs - newest.atMs < GENERATION_MS_MAX) return newest.generation
    newest = { generation: await generations.currentGeneration(signal), atMs }
    return newest.generation
  }

  function derived(name: string, generation: string): WrappingKey {
    const id = `${name}#${generation}#${root}`
    const found = known.get(id)
    if (found) return found
    const wrapping = { id, name, key: derive(sealingKey, `sextant ${name} ${generation}`, KEY_BYTES) }
    known.set(id, wrapping)
    return wrapping
  }

  return {
    async current(name, signal) {
      const configured = name === undefined ? undefined : named.get(plainName(name))
      if (configured) return configured
      if (name !== undefined && plainName(name) !== DEFAULT_KMS_KEY) {
        throw new StoreFault('KMS.NotFoundException', { keyId: name })
      }
      return derived(name === undefined ? STORE_KEY : DEFAULT_KMS_KEY, String(await generation(signal)))
    },
    find(id) {
      const [, name, generation, rootOf] = OWN_ID.exec(id) ?? []
      return name !== undefined && rootOf === root ? derived(name, generation!) : known.get(id)
    },
    isSame: (a, b) => plainName(a) === plainName(b),
  }
}

const OWN_ID = /^(sse-s3|aws\/s3)#(\d{1,9})#([0-9a-f]{16})$/

/** `arn:aws:kms:REGION:ACCOUNT:key/ID`, `alias/NAME` and the plain name are one. */
function plainName(name: string): string {
  return name.replace(/^arn:[\w-]+:kms:[^:]*:[^:]*:/, '').replace(/^(?:key|alias)\//, '')
}

function fingerprint(key: Buffer): string {
  return derive(key, 'sextant key fingerprint', 8).toString('hex')
}

function derive(key: Buffer, info: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', info, bytes))
}
