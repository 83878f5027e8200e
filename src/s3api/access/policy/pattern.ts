import { isConditionKey } from './condition-keys.ts'
import { malformedPolicy } from './malformed.ts'
import { withWildcards } from './wildcard.ts'

/** What a request says under a condition key (lower case, but for a tag's name); undefined: nothing. */
export type Context = (key: string) => readonly string[] | undefined

/** A text with wildcards and variables, as a policy has it. */
export type Pattern = string | readonly (string | Variable)[]

interface Variable {
  key: string
  fallback: string | undefined
}

export interface PatternRules {
  hasWildcards: boolean
  /** Only a policy of version 2012-10-17 has variables. */
  hasVariables: boolean
}

const VARIABLE = /\$\{([^{}]*)\}/g
/** `${aws:username}`, `${aws:username, 'nobody'}`. */
const REFERENCE = /^\s*([\w:./-]+)\s*(?:,\s*'([^']*)'\s*)?$/
/** What would be wildcards, or begin a variable, as themselves. */
const ESCAPED = new Set(['*', '?', '$'])

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html. Fault: MalformedPolicy. */
export function compilePattern(text: string, { hasWildcards, hasVariables }: PatternRules): Pattern {
  const plain = (piece: string) => (hasWildcards ? withWildcards(piece) : piece)
  if (!(hasVariables && text.includes('${'))) return plain(text)
  const parts: (string | Variable)[] = []
  let from = 0
  for (const found of text.matchAll(VARIABLE)) {
    parts.push(plain(text.slice(from, found.index)), variableOf(found[1] as string))
    from = found.index + found[0].length
  }
  parts.push(plain(text.slice(from)))
  return parts.every((part) => typeof part === 'string') ? parts.join('') : parts
}

/** The pattern with its variables put in; undefined where one of them has no value: then nothing matches. */
export function resolvePattern(pattern: Pattern, context: Context): string | undefined {
  if (typeof pattern === 'string') return pattern
  let resolved = ''
  for (const part of pattern) {
    const value = typeof part === 'string' ? part : variableValue(part, context)
    if (value === undefined) return undefined
    resolved += value
  }
  return resolved
}

function variableOf(text: string): string | Variable {
  if (ESCAPED.has(text)) return text
  const [, name, fallback] = REFERENCE.exec(text) ?? []
  const key = name?.toLowerCase()
  if (key === undefined || !isConditionKey(key) || UNBOUNDED.has(key)) {
    throw malformedPolicy(`Policy has an invalid variable: ${text.slice(0, 128)}`)
  }
  return { key, fallback }
}

/** What a client may make as long as it likes would make matching as slow as it likes. */
const UNBOUNDED = new Set(['aws:referer', 'aws:useragent'])

function variableValue({ key, fallback }: Variable, context: Context): string | undefined {
  const values = context(key)
  return (values?.length === 1 ? values[0] : undefined) ?? fallback
}
