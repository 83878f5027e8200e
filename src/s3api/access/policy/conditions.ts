import { normalisedKey } from './condition-keys.ts'
import { type Matcher, operators } from './condition-operators.ts'
import { malformedPolicy } from './malformed.ts'
import type { Context, PatternRules } from './pattern.ts'

/** One key of a statement's Condition block under one operator; all of them have to hold. */
export interface Condition {
  readonly operator: string
  readonly key: string
  /** The policy's values as they came. */
  readonly values: readonly string[]
  readonly ifExists: boolean
  readonly quantifier: Quantifier
  holds(context: Context): boolean
}

type Quantifier = 'one' | 'ForAllValues' | 'ForAnyValue'

/** `ForAnyValue:StringLikeIfExists` and so on. */
const OPERATOR = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/

/** Fault: MalformedPolicy. */
export function parseConditions(block: unknown, rules: Pick<PatternRules, 'hasVariables'>): Condition[] {
  return Object.entries(asObject(block)).flatMap(([operator, keys]) =>
    Object.entries(asObject(keys)).map(([name, values]) => parseCondition(operator, name, valuesOf(values), rules)),
  )
}

function parseCondition(
  text: string,
  name: string,
  values: readonly string[],
  rules: Pick<PatternRules, 'hasVariables'>,
): Condition {
  const [, quantifier = 'one', operator = '', ifExists] = OPERATOR.exec(text) ?? []
  const key = normalisedKey(name)
  const said = { operator, values, ifExists: ifExists !== undefined, quantifier: quantifier as Quantifier }
  if (operator === 'Null' && ifExists === undefined) return { ...said, ...nullTest(checked(key), values) }
  const known = operators.get(operator)
  if (!known) throw malformedPolicy(`Invalid Condition type : ${text.slice(0, 64)}`)
  const condition = { ...said, key: checked(key), isNegated: known.isNegated }
  const matchers = values.map((value) => known.compile(value, rules))
  return { ...condition, holds: (context) => holds(condition, matchers, context) }
}

interface Test {
  key: string
  isNegated: boolean
  ifExists: boolean
  quantifier: Quantifier
}

/**
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 * Without a key a negated operator holds, and so does ForAllValues.
 */
function holds({ key, isNegated, ifExists, quantifier }: Test, matchers: readonly Matcher[], context: Context) {
  const said = context(key) ?? []
  if (said.length === 0) return ifExists || quantifier === 'ForAllValues' || (quantifier === 'one' && isNegated)
  const isListed = (value: string) => matchers.some((matches) => matches(value, context))
  switch (quantifier) {
    case 'one':
      return said.some(isListed) !== isNegated
    case 'ForAllValues':
      return said.every((value) => isListed(value) !== isNegated)
    case 'ForAnyValue':
      return said.some((value) => isListed(value) !== isNegated)
  }
}

/** `true`: the key must not be there. */
function nullTest(key: string, values: readonly string[]): Pick<Condition, 'key' | 'holds'> {
  const wanted = values.map((value) => value.toLowerCase())
  if (wanted.some((value) => value !== 'true' && value !== 'false')) {
    throw malformedPolicy('Policy has an invalid condition value: Null takes true or false')
  }
  return { key, holds: (context) => wanted.includes(String((context(key) ?? []).length === 0)) }
}

function checked(key: string | undefined): string {
  if (key === undefined) throw malformedPolicy('Policy has an invalid condition key')
  return key
}

function asObject(value: unknown): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformedPolicy('Conditions must be JSON objects of operators, keys and values')
  }
  return value
}

function valuesOf(value: unknown): string[] {
  const values = Array.isArray(value) ? value : [value]
  if (values.length === 0) throw malformedPolicy('A condition must have a value')
  return values.map((one: unknown) => {
    if (typeof one === 'string' || typeof one === 'boolean' || typeof one === 'number') return String(one)
    throw malformedPolicy('The values of a condition must be strings, numbers or booleans')
  })
}
