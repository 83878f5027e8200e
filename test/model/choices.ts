import type { Chance } from '../fuzz/chance.ts'
import type { Bucket } from './bucket.ts'

/** Few, so that they collide. */
export const KEYS = ['a', 'b', 'dir/c', 'dir/d']
/** Of a version that there never was. */
export const NO_VERSION = 'v-none'
export const NO_UPLOAD = 'u-none'

/** `object`: mostly one that has one. */
export function pickKey(chance: Chance, bucket: Bucket, wants: 'any' | 'object' = 'any'): string {
  const taken = KEYS.filter((key) => bucket.current(key))
  return wants === 'object' && taken.length > 0 && !chance.oneIn(6) ? chance.pick(taken) : chance.pick(KEYS)
}

/** A version of the key by name: mostly one that is there. */
export function pickVersion(chance: Chance, bucket: Bucket, key: string): string {
  const ids = bucket.versionsOf(key).map(({ id }) => id)
  return chance.oneIn(8) || ids.length === 0 ? chance.pick(['null', NO_VERSION]) : chance.pick(ids)
}

/** None, more often than not. */
export function maybeVersion(chance: Chance, bucket: Bucket, key: string): { version?: string } {
  return chance.oneIn(3) ? { version: pickVersion(chance, bucket, key) } : {}
}

/** What the object named by a step is to have. */
export interface SentAttributes {
  type?: string
  meta?: string
  tags?: string
}

export function pickAttributes(chance: Chance): SentAttributes {
  return {
    ...(chance.oneIn(3) && { type: chance.pick(['text/plain', 'application/json']) }),
    ...(chance.oneIn(3) && { meta: chance.pick(['red', 'green', 'blue']) }),
    ...(chance.oneIn(4) && { tags: chance.pick(['z=1&a=2', 'a=b', 'k=']) }),
  }
}

export function attributeHeaders({ type, meta, tags }: SentAttributes): Record<string, string | undefined> {
  return { 'content-type': type, 'x-amz-meta-colour': meta, 'x-amz-tagging': tags }
}

/** As S3 keeps them. */
export function keptAttributes({ type = 'binary/octet-stream', meta, tags }: SentAttributes) {
  return {
    type,
    meta: meta === undefined ? [] : [`colour=${meta}`],
    tags: tags === undefined ? [] : tags.split('&'),
  }
}

/** A body that no other step has, and seldom an empty one. */
export function pickBody(chance: Chance): string {
  if (chance.oneIn(12)) return ''
  const word = chance.pick(['one', 'two', 'three', 'four', 'five'])
  return `${word} ${chance.below(1_000)}${chance.oneIn(4) ? ' and more'.repeat(chance.between(1, 30)) : ''}`
}
