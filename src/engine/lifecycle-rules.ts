import { LRUCache } from 'lru-cache'
import type { BucketId } from '../base/ids.ts'
import type { Lifecycle, LifecycleRule } from '../base/lifecycle/rules.ts'
import type { Bucket } from '../base/model.ts'
import type { Catalogue } from './ports/catalogue.ts'

export type FindLifecycleRules = (bucket: Bucket, signal: AbortSignal) => Promise<readonly LifecycleRule[]>

/** Rules of all buckets that are kept; a bucket has 1,000 at most, of half a KiB. */
const RULES_MAX = 20_000

/**
 * A bucket's lifecycle rules, for answers that tell of them. Buckets carry the revision that counts, so that rules are
 * read anew when they have changed, and never otherwise.
 */
export function lifecycleRules({
  catalogue,
}: {
  catalogue: Pick<Catalogue, 'findBucketDocument'>
}): FindLifecycleRules {
  const kept = new LRUCache<BucketId, Lifecycle>({
    maxSize: RULES_MAX,
    sizeCalculation: ({ rules }) => rules.length + 1,
  })
  return async ({ id, settings }, signal) => {
    if (settings.lifecycle === undefined) return NONE
    const known = kept.get(id)
    if (known?.revision === settings.lifecycle) return known.rules
    const found = await catalogue.findBucketDocument({ bucketId: id, name: 'lifecycle' }, signal)
    if (found === undefined) return NONE
    kept.set(id, found as Lifecycle)
    return (found as Lifecycle).rules
  }
}

const NONE: readonly LifecycleRule[] = []
