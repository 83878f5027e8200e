import { LRUCache } from 'lru-cache'
import { isPublicPolicy } from './is-public.ts'
import { type PolicyKind, parsePolicy } from './parse-policy.ts'
import type { Policy } from './policy.ts'

export interface CompiledPolicy extends Policy {
  readonly isPublic: boolean
}

/** Of the texts; what is compiled of them takes a few times as much. */
const CACHED_CHARS_MAX = 4 * 1024 * 1024

/** A policy is read once a text, not once a request. */
const compiled = new LRUCache<string, CompiledPolicy>({
  maxSize: CACHED_CHARS_MAX,
  sizeCalculation: (_, key) => key.length,
})

/** Fault: MalformedPolicy: a text that was not checked when it was put. */
export function compiledPolicy(text: string, kind: PolicyKind): CompiledPolicy {
  const name = `${kind.of === 'bucket' ? kind.bucket : ''}\n${text}`
  const known = compiled.get(name)
  if (known) return known
  const policy = parsePolicy(text, kind)
  const made = { ...policy, isPublic: isPublicPolicy(policy) }
  compiled.set(name, made)
  return made
}
