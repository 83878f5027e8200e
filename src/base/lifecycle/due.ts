import type { TagSet } from '../model.ts'
import type { LifecycleFilter, LifecycleRule } from './rules.ts'

/** When an action falls due, and the rule that says so. */
export interface Due {
  readonly atMs: number
  readonly rule: LifecycleRule
}

/** What rules are asked about. A delete marker has no tags and no bytes. */
export interface RuledObject {
  readonly key: string
  readonly tags: TagSet
  readonly sizeBytes: number
}

/** A day, in ms; tests have shorter ones. */
export interface Days {
  readonly dayMs: number
}

/**
 * When a current version that is no delete marker expires; undefined: by no rule. Where several apply, the soonest counts.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-expire-general-considerations.html
 */
export function expiry(
  rules: readonly LifecycleRule[],
  object: RuledObject,
  { createdMs, dayMs }: Days & { createdMs: number },
): Due | undefined {
  return soonest(rules, object, ({ expiration }) => {
    if (expiration?.days !== undefined) return midnightAfter(createdMs, expiration.days, dayMs)
    return expiration?.date === undefined ? undefined : Date.parse(expiration.date)
  })
}

/**
 * When a version that is no longer current is deleted. `sinceMs`: when its successor came; `newer`: how many noncurrent
 * versions of its key are younger.
 */
export function noncurrentExpiry(
  rules: readonly LifecycleRule[],
  object: RuledObject,
  { sinceMs, newer, dayMs }: Days & { sinceMs: number; newer: number },
): Due | undefined {
  return soonest(rules, object, ({ noncurrent }) => {
    if (!noncurrent || newer < (noncurrent.keep ?? 0)) return undefined
    return midnightAfter(sinceMs, noncurrent.days, dayMs)
  })
}

/**
 * When a delete marker goes behind which no version is left: by a rule for such markers at once, by one of days when it
 * is as old. https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
export function markerExpiry(
  rules: readonly LifecycleRule[],
  key: string,
  { createdMs, dayMs }: Days & { createdMs: number },
): Due | undefined {
  return soonest(rules, { key, tags: [], sizeBytes: 0 }, ({ expiration }) => {
    if (expiration?.deleteMarker) return midnightAfter(createdMs, 0, dayMs)
    return expiration?.days === undefined ? undefined : midnightAfter(createdMs, expiration.days, dayMs)
  })
}

/** When an upload that was not completed is aborted. Rules that do so go by prefixes alone. */
export function uploadAbort(
  rules: readonly LifecycleRule[],
  key: string,
  { initiatedMs, dayMs }: Days & { initiatedMs: number },
): Due | undefined {
  return soonest(rules, { key, tags: [], sizeBytes: 0 }, ({ abortDays }) =>
    abortDays === undefined ? undefined : midnightAfter(initiatedMs, abortDays, dayMs),
  )
}

/** S3 adds the days, and rounds up to the next midnight UTC. */
export function midnightAfter(ms: number, days: number, dayMs: number): number {
  return Math.ceil((ms + days * dayMs) / dayMs) * dayMs
}

/** The first rule's where two are due at once. */
function soonest(
  rules: readonly LifecycleRule[],
  object: RuledObject,
  dueMs: (rule: LifecycleRule) => number | undefined,
): Due | undefined {
  let first: Due | undefined
  for (const rule of rules) {
    if (!rule.isEnabled || !applies(rule.filter, object)) continue
    const atMs = dueMs(rule)
    if (atMs !== undefined && (first === undefined || atMs < first.atMs)) first = { atMs, rule }
  }
  return first
}

function applies({ prefix, tags, sizeAbove, sizeBelow }: LifecycleFilter, object: RuledObject): boolean {
  return (
    (prefix === undefined || object.key.startsWith(prefix)) &&
    (sizeAbove === undefined || object.sizeBytes > sizeAbove) &&
    (sizeBelow === undefined || object.sizeBytes < sizeBelow) &&
    (tags === undefined || tags.every(([key, value]) => object.tags.some((tag) => tag[0] === key && tag[1] === value)))
  )
}
