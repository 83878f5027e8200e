import { type Due, expiry, markerExpiry, noncurrentExpiry, uploadAbort } from '../../base/lifecycle/due.ts'
import type { LifecycleRule } from '../../base/lifecycle/rules.ts'
import type { Candidate, DueCandidate, ExpiryKind } from '../ports/lifecycle.ts'

export interface Judging {
  kind: ExpiryKind
  rules: readonly LifecycleRule[]
  dayMs: number
  nowMs: number
}

/** Those of a page that are due by now. */
export function judgeCandidates(page: readonly Candidate[], judging: Judging): DueCandidate[] {
  return page.flatMap((candidate) => {
    const due = dueOf(candidate, judging)
    if (!due || due.atMs > judging.nowMs) return []
    return [{ ...candidate, keep: (judging.kind === 'former' && due.rule.noncurrent?.keep) || 0 }]
  })
}

/** Which kinds of things these rules say anything of: the others need not be looked at. */
export function ruledKinds(rules: readonly LifecycleRule[]): ExpiryKind[] {
  const kinds: Record<ExpiryKind, (rule: LifecycleRule) => boolean> = {
    current: ({ expiration }) => expiration?.days !== undefined || expiration?.date !== undefined,
    former: ({ noncurrent }) => noncurrent !== undefined,
    // Last but uploads: what goes before may leave markers alone.
    marker: ({ expiration }) => expiration?.days !== undefined || expiration?.deleteMarker === true,
    upload: ({ abortDays }) => abortDays !== undefined,
  }
  const isSaid = (kind: ExpiryKind) => rules.some((rule) => rule.isEnabled && kinds[kind](rule))
  return (Object.keys(kinds) as ExpiryKind[]).filter(isSaid)
}

/** The fewest prefixes under which all lies that rules say anything of, in order. */
export function ruledPrefixes(rules: readonly LifecycleRule[]): string[] {
  const sorted = rules
    .filter(({ isEnabled }) => isEnabled)
    .map(({ filter }) => filter.prefix ?? '')
    .sort()
  const widest: string[] = []
  for (const prefix of sorted) {
    const last = widest.at(-1)
    if (last === undefined || !prefix.startsWith(last)) widest.push(prefix)
  }
  return widest
}

/** More younger versions than any rule keeps need not be counted. */
export function keepMax(rules: readonly LifecycleRule[]): number {
  return Math.max(0, ...rules.map(({ noncurrent }) => noncurrent?.keep ?? 0))
}

function dueOf(candidate: Candidate, { kind, rules, dayMs }: Judging): Due | undefined {
  const { key, sizeBytes, tags = [], newer } = candidate
  const object = { key, sizeBytes, tags }
  const sinceMs = candidate.since.getTime()
  switch (kind) {
    case 'current':
      return expiry(rules, object, { createdMs: sinceMs, dayMs })
    case 'former':
      return noncurrentExpiry(rules, object, { sinceMs, newer, dayMs })
    case 'marker':
      return candidate.isAlone ? markerExpiry(rules, key, { createdMs: sinceMs, dayMs }) : undefined
    case 'upload':
      return uploadAbort(rules, key, { initiatedMs: sinceMs, dayMs })
  }
}
