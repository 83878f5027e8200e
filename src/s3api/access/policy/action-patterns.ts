import { type ActionTarget, actionTargets } from '../../actions.ts'
import { malformedPolicy } from './malformed.ts'
import { textsOf } from './texts.ts'
import { matchesWildcards, withWildcards } from './wildcard.ts'

const INVALID = 'Policy has invalid action'

/** Actions as lower-case patterns, each of which means something. Fault: MalformedPolicy. */
export function parseActions(value: unknown): string[] {
  return textsOf(value, INVALID).map((name) => {
    const pattern = name === '*' ? withWildcards('s3:*') : withWildcards(name.toLowerCase())
    if (targetsOf(pattern).size === 0) throw malformedPolicy(INVALID)
    return pattern
  })
}

/** What the actions that a pattern stands for are done to. */
export function targetsOf(pattern: string): ReadonlySet<ActionTarget> {
  const targets = new Set<ActionTarget>()
  for (const [action, target] of actionTargets) {
    if (matchesWildcards(pattern, action.toLowerCase())) targets.add(target)
  }
  return targets
}
