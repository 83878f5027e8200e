import { setTimeout as sleep } from 'node:timers/promises'
import { readSettings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import type { Encryption } from '../../base/encryption.ts'
import { isFault } from '../../base/faults.ts'
import { systemClock, systemRandom } from '../../base/system.ts'
import { createKeyRing, GENERATION_MS_MAX, type KeyRing } from '../../engine/encryption/key-ring.ts'
import { type ResealTally, resealKeys } from '../../engine/encryption/reseal.ts'
import type { ObjectSeal, UploadSeal } from '../../engine/ports/sealed-keys.ts'
import type { Meta } from '../../meta/connect.ts'
import { showCount } from './show.ts'
import { needSealingKey, withMeta } from './store-access.ts'

export interface SealCount {
  sealedBy: string
  objects: number
  uploads: number
  /** What is sealed now under that name is sealed by it. */
  isNewest: boolean
}

/** A million data keys take about a minute. */
const MS_MAX = 24 * 3_600_000
const ROWS_AT_ONCE = 1_000
/** What stands for the keys that only clients have. */
const CUSTOMERS = 'customer'

/** The next generation of the store's own keys: all gateways know of it before anything is sealed anew. */
export function rotateKeys(progress: (line: string) => void): Promise<ResealTally & { generation: number }> {
  return withKeys(async ({ meta, keys }, signal) => {
    const generation = await meta.encryption.addGeneration(signal)
    progress(`generation ${generation}: waiting until all gateways know of it`)
    await sleep(GENERATION_MS_MAX * 2, undefined, { signal })
    return { generation, ...(await resealAll(meta, keys, progress, signal)) }
  })
}

export function reseal(progress: (line: string) => void): Promise<ResealTally> {
  return withKeys(({ meta, keys }, signal) => resealAll(meta, keys, progress, signal))
}

export function countSeals(): Promise<SealCount[]> {
  return withKeys(async ({ meta: { encryption: sealed }, keys }, signal) => {
    const counts = new Map<string, SealCount>()
    const count = async (kind: 'objects' | 'uploads', { sealedBy = CUSTOMERS, keyId }: Encryption) => {
      const found = counts.get(sealedBy)
      const row = found ?? { sealedBy, objects: 0, uploads: 0, isNewest: await isNewest(keys, sealedBy, keyId, signal) }
      row[kind] += 1
      counts.set(sealedBy, row)
    }
    for await (const { encryption } of pages<ObjectSeal>((after, rowsMax) =>
      sealed.listObjectKeys({ after, rowsMax }, signal),
    )) {
      await count('objects', encryption)
    }
    for await (const { encryption } of pages<UploadSeal>((after, rowsMax) =>
      sealed.listUploadKeys({ after, rowsMax }, signal),
    )) {
      await count('uploads', encryption)
    }
    return [...counts.values()].sort((a, b) => (a.sealedBy < b.sealedBy ? -1 : 1))
  })
}

async function* pages<T>(list: (after: T | undefined, rowsMax: number) => Promise<T[]>): AsyncGenerator<T> {
  for (let after: T | undefined; ; ) {
    const page = await list(after, ROWS_AT_ONCE)
    yield* page
    if (page.length < ROWS_AT_ONCE) return
    after = page.at(-1)
  }
}

async function isNewest(keys: KeyRing, id: string, name: string | undefined, signal: AbortSignal): Promise<boolean> {
  if (id === CUSTOMERS) return true
  try {
    return (await keys.current(name, signal)).id === id
  } catch (error) {
    if (isFault(error, 'KMS.NotFoundException')) return false
    throw error
  }
}

function resealAll(meta: Meta, keys: KeyRing, progress: (line: string) => void, signal: AbortSignal) {
  const tell = ({ looked, resealed }: ResealTally) =>
    progress(`${showCount(looked, 'data key')} looked at, ${resealed.toLocaleString('en-US')} sealed anew`)
  return resealKeys({ sealed: meta.encryption, keys, random: systemRandom, progress: tell }, signal)
}

function withKeys<T>(work: (store: { meta: Meta; keys: KeyRing }, signal: AbortSignal) => Promise<T>): Promise<T> {
  return withMeta(
    async (meta, signal) => {
      const settings = readSettings(processConfig())
      const sealingKey = await needSealingKey(settings)
      const kmsKeys = settings.kmsKeys ?? []
      const keys = createKeyRing({ sealingKey, kmsKeys, generations: meta.encryption, clock: systemClock })
      return await work({ meta, keys }, signal)
    },
    { msMax: MS_MAX },
  )
}
