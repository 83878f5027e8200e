import type { ActionTarget } from '../../actions.ts'
import { targetsOf } from './action-patterns.ts'
import { malformedPolicy } from './malformed.ts'
import type { PolicyKind } from './parse-policy.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import type { Listed } from './policy.ts'
import { textsOf } from './texts.ts'
import { matchesWildcards, withWildcards } from './wildcard.ts'

export const RESOURCE_PREFIX = 'arn:aws:s3:::'
const INVALID = 'Policy has invalid resource'

interface Resource {
  pattern: Pattern
  /** Whether a bucket, or an object, could be meant. */
  targets: ReadonlySet<ActionTarget>
}

/** A bucket's policy may speak of nothing but that bucket. Fault: MalformedPolicy. */
export function parseResources(value: unknown, kind: PolicyKind, hasVariables: boolean): Resource[] {
  return textsOf(value, INVALID).map((text) => {
    if (text !== '*' && !text.startsWith(RESOURCE_PREFIX)) throw malformedPolicy(INVALID)
    const name = text === '*' ? '*' : text.slice(RESOURCE_PREFIX.length)
    const targets = targetsOfName(name, kind)
    if (targets.size === 0) throw malformedPolicy(INVALID)
    const pattern = compilePattern(RESOURCE_PREFIX + name, { hasWildcards: true, hasVariables })
    return { pattern, targets }
  })
}

/** What an action is done to has to be among a statement's resources. Fault: MalformedPolicy. */
export function checkTargets(
  actions: Listed<readonly string[]>,
  resources: Listed<readonly Resource[]>,
  { of }: PolicyKind,
): void {
  if (actions.isNot || resources.isNot || of === 'key') return
  const there = new Set(resources.list.flatMap(({ targets }) => [...targets]))
  for (const pattern of actions.list) {
    if (![...targetsOf(pattern)].some((target) => there.has(target))) {
      throw malformedPolicy('Action does not apply to any resource(s) in statement')
    }
  }
}

/** `bucket`, `bucket/key`, `buck*`: the first `*` may reach over the slash. */
function targetsOfName(name: string, kind: PolicyKind): Set<ActionTarget> {
  const targets = new Set<ActionTarget>()
  if (name === '') return targets
  const slash = name.indexOf('/')
  const bucket = slash < 0 ? name : name.slice(0, slash)
  // A variable could be any name: what it turns out to be is judged then.
  const isOurs = kind.of === 'key' || bucket.includes('${') || matchesWildcards(withWildcards(bucket), kind.bucket)
  if (!isOurs) return targets
  if (slash < 0) targets.add('bucket')
  if (slash >= 0 || bucket.includes('*') || bucket.includes('${')) targets.add('object')
  if (kind.of === 'key' && slash < 0) targets.add('service')
  return targets
}
