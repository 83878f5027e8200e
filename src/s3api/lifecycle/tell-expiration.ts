import { expiry } from '../../base/lifecycle/due.ts'
import type { Bucket, TagSet } from '../../base/model.ts'
import type { Call, ReplyHeaders } from '../operation.ts'
import { expirationHeader } from './due-headers.ts'

export interface CurrentObject {
  key: string
  sizeBytes: number
  committedAt: Date
  extras?: { readonly tags?: TagSet } | undefined
}

export type TellExpiration = (object: CurrentObject) => ReplyHeaders

/**
 * What answers say of when a current object goes by its bucket's rules. To be asked for before anything is written, for
 * the rules may have to be read; where a bucket has none, it costs nothing.
 */
export async function expirationTeller(
  { engine, settings, bucket }: Pick<Call, 'engine' | 'settings'> & { bucket: Bucket },
  signal: AbortSignal,
): Promise<TellExpiration> {
  if (bucket.settings.lifecycle === undefined) return tellNothing
  const rules = await engine.lifecycleRules(bucket, signal)
  const { lifecycleDayMs: dayMs } = settings
  return ({ key, sizeBytes, committedAt, extras }) => {
    const object = { key, sizeBytes, tags: extras?.tags ?? [] }
    return expirationHeader(expiry(rules, object, { createdMs: committedAt.getTime(), dayMs }))
  }
}

const tellNothing: TellExpiration = () => ({})
