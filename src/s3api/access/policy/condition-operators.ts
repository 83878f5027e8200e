import { BlockList, isIP } from 'node:net'
import { malformedPolicy } from './malformed.ts'
import { type Context, compilePattern, type Pattern, type PatternRules, resolvePattern } from './pattern.ts'
import { matchesWildcards } from './wildcard.ts'

/** Whether what a request says is what the policy's value asks for. */
export type Matcher = (said: string, context: Context) => boolean

export interface Operator {
  /** It holds where no value matches. */
  readonly isNegated: boolean
  /** Fault: MalformedPolicy. */
  compile(value: string, rules: Pick<PatternRules, 'hasVariables'>): Matcher
}

type Compile = Operator['compile']

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html; Null stands apart. */
export const operators: ReadonlyMap<string, Operator> = new Map([
  ...withNegation(
    'StringEquals',
    'StringNotEquals',
    text((said, wanted) => said === wanted),
  ),
  ...withNegation(
    'StringEqualsIgnoreCase',
    'StringNotEqualsIgnoreCase',
    text((said, wanted) => said.toLowerCase() === wanted.toLowerCase()),
  ),
  ...withNegation(
    'StringLike',
    'StringNotLike',
    wildcards((said, wanted) => matchesWildcards(wanted, said)),
  ),
  ...withNegation('ArnEquals', 'ArnNotEquals', wildcards(matchesArn)),
  ...withNegation('ArnLike', 'ArnNotLike', wildcards(matchesArn)),
  ...withNegation(
    'NumericEquals',
    'NumericNotEquals',
    number((said, wanted) => said === wanted),
  ),
  ['NumericLessThan', positive(number((said, wanted) => said < wanted))],
  ['NumericLessThanEquals', positive(number((said, wanted) => said <= wanted))],
  ['NumericGreaterThan', positive(number((said, wanted) => said > wanted))],
  ['NumericGreaterThanEquals', positive(number((said, wanted) => said >= wanted))],
  ...withNegation(
    'DateEquals',
    'DateNotEquals',
    date((said, wanted) => said === wanted),
  ),
  ['DateLessThan', positive(date((said, wanted) => said < wanted))],
  ['DateLessThanEquals', positive(date((said, wanted) => said <= wanted))],
  ['DateGreaterThan', positive(date((said, wanted) => said > wanted))],
  ['DateGreaterThanEquals', positive(date((said, wanted) => said >= wanted))],
  ['Bool', positive(bool)],
  ['BinaryEquals', positive(binary)],
  ...withNegation('IpAddress', 'NotIpAddress', address),
])

function positive(compile: Compile): Operator {
  return { isNegated: false, compile }
}

function withNegation(name: string, negation: string, compile: Compile): [string, Operator][] {
  return [
    [name, { isNegated: false, compile }],
    [negation, { isNegated: true, compile }],
  ]
}

function text(matches: (said: string, wanted: string) => boolean): Compile {
  return (value, rules) => patternMatcher(compilePattern(value, { ...rules, hasWildcards: false }), matches)
}

function wildcards(matches: (said: string, wanted: string) => boolean): Compile {
  return (value, rules) => patternMatcher(compilePattern(value, { ...rules, hasWildcards: true }), matches)
}

function patternMatcher(pattern: Pattern, matches: (said: string, wanted: string) => boolean): Matcher {
  return (said, context) => {
    const wanted = resolvePattern(pattern, context)
    return wanted !== undefined && matches(said, wanted)
  }
}

/** Each of an ARN's six pieces on its own: a `*` does not reach beyond its colon, but in the last. */
function matchesArn(said: string, wanted: string): boolean {
  const [theirs, ours] = [arnPieces(said), arnPieces(wanted)]
  return ours.length === theirs.length && ours.every((piece, i) => matchesWildcards(piece, theirs[i] as string))
}

function arnPieces(arn: string): string[] {
  const pieces = arn.split(':')
  return [...pieces.slice(0, 5), pieces.slice(5).join(':')]
}

function number(compare: (said: number, wanted: number) => boolean): Compile {
  return (value) => {
    const wanted = numberOf(value)
    if (Number.isNaN(wanted)) throw invalidValue(value)
    return (said) => compare(numberOf(said), wanted)
  }
}

function numberOf(value: string): number {
  return /^[-+]?\d{1,18}(?:\.\d{1,18})?$/.test(value) ? Number(value) : Number.NaN
}

function date(compare: (said: number, wanted: number) => boolean): Compile {
  return (value) => {
    const wanted = dateMs(value)
    if (Number.isNaN(wanted)) throw invalidValue(value)
    return (said) => compare(dateMs(said), wanted)
  }
}

/** ISO 8601, or seconds since 1970. */
function dateMs(value: string): number {
  if (/^\d{1,12}$/.test(value)) return Number(value) * 1000
  return /^\d{4}-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[-+]\d\d:\d\d)?)?)?$/.test(value)
    ? Date.parse(value)
    : Number.NaN
}

function bool(value: string): Matcher {
  const wanted = value.toLowerCase()
  if (wanted !== 'true' && wanted !== 'false') throw invalidValue(value)
  return (said) => said.toLowerCase() === wanted
}

function binary(value: string): Matcher {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) throw invalidValue(value)
  const wanted = Buffer.from(value, 'base64')
  return (said) => Buffer.from(said, 'base64').equals(wanted)
}

/** An address, or a range in CIDR notation. */
function address(value: string): Matcher {
  const list = blockListOf(value)
  if (list === undefined) throw malformedPolicy(`Invalid IP Address in Conditions: ${value.slice(0, 64)}`)
  return (said) => {
    const family = isIP(said)
    return family !== 0 && list.check(said, family === 6 ? 'ipv6' : 'ipv4')
  }
}

function blockListOf(value: string): BlockList | undefined {
  const [ip = '', bits, ...more] = value.split('/')
  const family = isIP(ip)
  const bitsMax = family === 6 ? 128 : 32
  if (family === 0 || more.length > 0 || !(bits === undefined || /^\d{1,3}$/.test(bits))) return undefined
  if (Number(bits ?? bitsMax) > bitsMax) return undefined
  const list = new BlockList()
  list.addSubnet(ip, Number(bits ?? bitsMax), family === 6 ? 'ipv6' : 'ipv4')
  return list
}

function invalidValue(value: string) {
  return malformedPolicy(`Policy has an invalid condition value: ${value.slice(0, 64)}`)
}
