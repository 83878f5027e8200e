import type { S3Action } from '../../actions.ts'
import type { Caller } from '../caller.ts'
import type { Condition } from './conditions.ts'
import { type Context, type Pattern, resolvePattern } from './pattern.ts'
import { names, type Principals } from './principals.ts'
import { matchesWildcards } from './wildcard.ts'

/** A policy, read and compiled. */
export interface Policy {
  readonly statements: readonly Statement[]
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  /** undefined: a key's policy, which speaks of its key. */
  readonly principals: Listed<Principals> | undefined
  readonly actions: Listed<readonly string[]>
  readonly resources: Listed<readonly Pattern[]>
  readonly conditions: readonly Condition[]
}

/** `isNot`: everything but what is listed (NotAction, NotResource, NotPrincipal). */
export interface Listed<T> {
  readonly isNot: boolean
  readonly list: T
}

/** What somebody wants to do. */
export interface Asked {
  readonly caller: Caller
  readonly action: S3Action
  /** `arn:aws:s3:::bucket/key` */
  readonly resource: string
  readonly context: Context
}

/** What a policy says to it; `silent`: nothing. */
export type Verdict = 'deny' | 'allow' | 'silent'

/** Any statement that denies wins over all that allow. */
export function judge({ statements }: Policy, asked: Asked): Verdict {
  let verdict: Verdict = 'silent'
  for (const statement of statements) {
    if (statement.effect === 'Allow' && verdict === 'allow') continue
    if (!applies(statement, asked)) continue
    if (statement.effect === 'Deny') return 'deny'
    verdict = 'allow'
  }
  return verdict
}

function applies({ principals, actions, resources, conditions }: Statement, asked: Asked): boolean {
  const { caller, context } = asked
  const action = asked.action.toLowerCase()
  return (
    actions.list.some((pattern) => matchesWildcards(pattern, action)) !== actions.isNot &&
    (principals === undefined || names(principals.list, caller) !== principals.isNot) &&
    resources.list.some((pattern) => isResource(pattern, asked)) !== resources.isNot &&
    conditions.every((condition) => condition.holds(context))
  )
}

function isResource(pattern: Pattern, { resource, context }: Asked): boolean {
  const wanted = resolvePattern(pattern, context)
  return wanted !== undefined && matchesWildcards(wanted, resource)
}
