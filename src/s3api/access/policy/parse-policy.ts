import { limits } from '../../../base/limits.ts'
import { parseActions } from './action-patterns.ts'
import { parseConditions } from './conditions.ts'
import { malformedPolicy } from './malformed.ts'
import type { Listed, Policy, Statement } from './policy.ts'
import { type Principals, parsePrincipals } from './principals.ts'
import { checkTargets, parseResources } from './resource-patterns.ts'

/** `bucket`: the policy of that bucket, which names principals. `key`: an access key's, which names none and any bucket. */
export type PolicyKind = { of: 'bucket'; bucket: string } | { of: 'key' }

const POLICY_FIELDS = ['Version', 'Id', 'Statement']
const STATEMENT_FIELDS = [
  ...['Sid', 'Effect', 'Principal', 'NotPrincipal', 'Action', 'NotAction'],
  ...['Resource', 'NotResource', 'Condition'],
]
const VERSIONS = ['2012-10-17', '2008-10-17']

/**
 * Reads a policy's text. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 * Fault: MalformedPolicy, worded as S3 words it.
 */
export function parsePolicy(text: string, kind: PolicyKind): Policy {
  if (Buffer.byteLength(text) > limits.policyBytesMax) {
    throw malformedPolicy('Policy exceeds the maximum allowed document size.')
  }
  const document = parseDocument(text)
  refuseUnknown(document, POLICY_FIELDS)
  const { Version = '2008-10-17', Id, Statement } = document
  if (!VERSIONS.includes(Version as string)) throw malformedPolicy('The policy must contain a valid version string')
  if (Id !== undefined && typeof Id !== 'string') throw invalidSyntax()
  if (Statement === undefined) throw malformedPolicy('Missing required field Statement')
  const all: unknown[] = Array.isArray(Statement) ? Statement : [Statement]
  if (all.length === 0) throw malformedPolicy('Could not parse the policy: Statement is empty!')
  checkIds(all)
  return { statements: all.map((one) => parseStatement(one, kind, Version === '2012-10-17')) }
}

/** The text without white space that says nothing, which is what is measured and kept. Fault: MalformedPolicy. */
export function compactPolicy(text: string): string {
  return JSON.stringify(parseDocument(text))
}

type Fields = Readonly<Record<string, unknown>>

function parseDocument(text: string): Fields {
  if (!text.trimStart().startsWith('{')) {
    throw malformedPolicy("Policies must be valid JSON and the first byte must be '{'")
  }
  try {
    return JSON.parse(text, wellFormed) as Fields
  } catch {
    throw invalidJson()
  }
}

/** A lone surrogate stands for a wildcard in compiled patterns, and is no character; PostgreSQL keeps no NUL. */
function wellFormed(key: string, value: unknown): unknown {
  const texts = typeof value === 'string' ? [key, value] : [key]
  if (texts.every((text) => text.isWellFormed() && !text.includes('\0'))) return value
  throw invalidJson()
}

function parseStatement(value: unknown, kind: PolicyKind, hasVariables: boolean): Statement {
  if (!isObject(value)) throw invalidSyntax()
  refuseUnknown(value, STATEMENT_FIELDS)
  const { Effect, Condition = {} } = value
  if (Effect === undefined) throw malformedPolicy('Missing required field Effect')
  if (Effect !== 'Allow' && Effect !== 'Deny') {
    throw malformedPolicy(`Invalid effect: ${String(JSON.stringify(Effect)).replaceAll('"', '').slice(0, 64)}`)
  }
  const actions = listed(value, 'Action', parseActions)
  const resources = listed(value, 'Resource', (list) => parseResources(list, kind, hasVariables))
  checkTargets(actions, resources, kind)
  return {
    effect: Effect,
    principals: principalsOf(value, kind),
    actions,
    resources: { isNot: resources.isNot, list: resources.list.map(({ pattern }) => pattern) },
    conditions: parseConditions(Condition, { hasVariables }),
  }
}

function principalsOf(statement: Fields, { of }: PolicyKind): Listed<Principals> | undefined {
  if (of === 'key') {
    if (statement.Principal === undefined && statement.NotPrincipal === undefined) return undefined
    throw malformedPolicy('Policy document should not specify a principal.')
  }
  const principals = listed(statement, 'Principal', parsePrincipals)
  // It would allow the anonymous whatever it says.
  if (principals.isNot && statement.Effect === 'Allow') throw malformedPolicy('Allow with NotPrincipal is not allowed.')
  return principals
}

/** `Name` or `NotName`, and just one of them. */
function listed<T>(statement: Fields, name: string, parse: (value: unknown) => T): Listed<T> {
  const [given, not] = [statement[name], statement[`Not${name}`]]
  if (given !== undefined && not !== undefined) {
    throw malformedPolicy(`Statement/policy already has instance of ${name}`)
  }
  if (given === undefined && not === undefined) throw malformedPolicy(`Missing required field ${name}`)
  return { isNot: given === undefined, list: parse(given ?? not) }
}

/** Each Sid a text, and once. */
function checkIds(statements: readonly unknown[]): void {
  const ids = statements.flatMap((one) => (isObject(one) && one.Sid !== undefined ? [one.Sid] : []))
  if (!ids.every((id) => typeof id === 'string')) throw invalidSyntax()
  if (new Set(ids).size < ids.length) {
    throw malformedPolicy('Statement IDs (SID) in a single policy must be unique.')
  }
}

function refuseUnknown(value: Fields, known: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw malformedPolicy(`Unknown field ${unknown.slice(0, 64)}`)
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalidJson() {
  return malformedPolicy('This policy contains invalid Json')
}

function invalidSyntax() {
  return malformedPolicy('Policy has invalid syntax')
}
