import type { LifecycleFilter, LifecycleRule } from '../../base/lifecycle/rules.ts'
import { writeTagList } from '../tagging/tag-set.ts'
import type { GivenFilter, GivenRule } from './configuration.ts'

/** Rules as they were given, each with its id. */
export function writeRules(rules: readonly LifecycleRule[]): GivenRule[] {
  return rules.map(({ id, isEnabled, filter, form, expiration, noncurrent, abortDays }) => ({
    ID: id,
    ...(form === 'prefix' ? { Prefix: filter.prefix } : { Filter: writeFilter(filter, form) }),
    Status: isEnabled ? 'Enabled' : 'Disabled',
    Expiration: expiration && {
      Days: expiration.days,
      Date: expiration.date === undefined ? undefined : new Date(expiration.date),
      ExpiredObjectDeleteMarker: expiration.deleteMarker,
    },
    NoncurrentVersionExpiration: noncurrent && {
      NoncurrentDays: noncurrent.days,
      NewerNoncurrentVersions: noncurrent.keep,
    },
    AbortIncompleteMultipartUpload: abortDays === undefined ? undefined : { DaysAfterInitiation: abortDays },
    Transition: [],
    NoncurrentVersionTransition: [],
  }))
}

function writeFilter(filter: LifecycleFilter, form: 'filter' | 'and'): GivenFilter {
  const others = {
    Prefix: filter.prefix,
    ObjectSizeGreaterThan: filter.sizeAbove,
    ObjectSizeLessThan: filter.sizeBelow,
  }
  const tags = writeTagList(filter.tags ?? [])
  return form === 'and' ? { And: { ...others, Tag: tags } } : { ...others, Tag: tags[0] }
}
