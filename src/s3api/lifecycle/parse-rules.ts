import { createHash } from 'node:crypto'
import type { Expiration, LifecycleRule, NoncurrentExpiration } from '../../base/lifecycle/rules.ts'
import { invalid, invalidRequest } from '../fields.ts'
import { malformed } from '../xml/xml-scanner.ts'
import type { GivenRule } from './configuration.ts'
import { parseFilter, readsSizes, readsTags } from './parse-filter.ts'
import { checkTransitions } from './transitions.ts'

/**
 * A configuration's rules, judged as S3 judges them, each with an id. Rules are all of S3's first form (with a Prefix of
 * their own) or all of its second (with a Filter): the first one decides.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 * Faults: InvalidRequest, InvalidArgument, MalformedXML, NotImplemented (transitions).
 */
export function parseRules(given: readonly GivenRule[]): LifecycleRule[] {
  if (given.length === 0) throw invalidRequest('At least one lifecycle rule must be specified.')
  if (given.length > RULES_MAX) {
    throw invalidRequest('The number of lifecycle rules must not exceed the allowed limit of 1000 rules.')
  }
  checkIds(given)
  const isSecondForm = given[0]!.Filter !== undefined
  const rules = given.map((rule, index) => parseRule(rule, { index, isSecondForm }))
  if (!isSecondForm) refuseOverlaps(rules)
  return rules
}

const RULES_MAX = 1000
/** In UTF-16 code units. */
const ID_LENGTH_MAX = 255

function checkIds(given: readonly GivenRule[]): void {
  const ids = new Set<string>()
  for (const { ID } of given) {
    if (!ID) continue
    if (ID.length > ID_LENGTH_MAX) throw invalid('ID', ID, 'ID length should not exceed allowed limit of 255')
    if (ids.has(ID)) throw invalid('ID', ID, 'Rule ID must be unique. Found same ID for more than one rule')
    ids.add(ID)
  }
}

function parseRule(given: GivenRule, { index, isSecondForm }: { index: number; isSecondForm: boolean }): LifecycleRule {
  const { Status } = given
  if (Status !== 'Enabled' && Status !== 'Disabled') throw malformed('Status is neither Enabled nor Disabled')
  const filter = parseFilter(given, isSecondForm)
  const rule: LifecycleRule = {
    id: given.ID || idOf(given, index),
    isEnabled: Status === 'Enabled',
    ...filter,
    ...(given.Expiration && { expiration: parseExpiration(given.Expiration) }),
    ...(given.NoncurrentVersionExpiration && { noncurrent: parseNoncurrent(given, isSecondForm) }),
    ...(given.AbortIncompleteMultipartUpload && { abortDays: parseAbort(given) }),
  }
  refuseFilterOf(rule)
  checkTransitions(given)
  if (!(rule.expiration || rule.noncurrent || rule.abortDays)) {
    throw invalidRequest('At least one action needs to be specified in a rule')
  }
  return rule
}

function parseExpiration(given: NonNullable<GivenRule['Expiration']>): Expiration {
  const { Days: days, Date: date, ExpiredObjectDeleteMarker: deleteMarker } = given
  if ([days, date, deleteMarker].filter((each) => each !== undefined).length !== 1) {
    throw malformed('an Expiration has Days, Date or ExpiredObjectDeleteMarker')
  }
  if (days !== undefined) return { days: positive(days, "'Days' for Expiration action must be a positive integer") }
  if (date !== undefined) return { date: midnight(date) }
  return { deleteMarker: deleteMarker === true }
}

function parseNoncurrent({ NoncurrentVersionExpiration }: GivenRule, isSecondForm: boolean): NoncurrentExpiration {
  const { NoncurrentDays, NewerNoncurrentVersions } = NoncurrentVersionExpiration ?? {}
  if (NoncurrentDays === undefined) throw malformed('a NoncurrentVersionExpiration has NoncurrentDays')
  const days = positive(
    NoncurrentDays,
    "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
  )
  if (NewerNoncurrentVersions === undefined) return { days }
  if (!isSecondForm) throw invalidRequest('NewerNoncurrentVersions element can only be used in Lifecycle V2.')
  return { days, keep: positive(NewerNoncurrentVersions, "'NewerNoncurrentVersions' must be a positive integer") }
}

function parseAbort({ AbortIncompleteMultipartUpload }: GivenRule): number {
  const days = AbortIncompleteMultipartUpload?.DaysAfterInitiation
  if (days === undefined) throw malformed('an AbortIncompleteMultipartUpload has DaysAfterInitiation')
  return positive(days, "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
}

/** Delete markers and uploads have neither tags nor a size. */
function refuseFilterOf(rule: LifecycleRule): void {
  const [tags, sizes] = [readsTags(rule.filter), readsSizes(rule.filter)]
  const actions = {
    ExpiredObjectDeleteMarker: rule.expiration?.deleteMarker !== undefined,
    AbortIncompleteMultipartUpload: rule.abortDays !== undefined,
  }
  for (const [name, isThere] of Object.entries(actions)) {
    if (isThere && tags) throw invalidRequest(`${name} cannot be specified with Tags.`)
    if (isThere && sizes) throw invalidRequest(`${name} cannot be specified with Object Size.`)
  }
}

/** S3's first form has no order among rules: no two may do the same to the same key. */
function refuseOverlaps(rules: readonly LifecycleRule[]): void {
  const actions: Record<string, (rule: LifecycleRule) => boolean> = {
    Expiration: ({ expiration }) => expiration !== undefined,
    NoncurrentVersionExpiration: ({ noncurrent }) => noncurrent !== undefined,
    AbortIncompleteMultipartUpload: ({ abortDays }) => abortDays !== undefined,
  }
  for (const [action, takes] of Object.entries(actions)) {
    const prefixes = rules
      .filter(takes)
      .map(({ filter }) => filter.prefix ?? '')
      .sort()
    // Sorted, a prefix of any is one of its neighbour.
    const at = prefixes.findIndex((prefix, i) => prefixes[i + 1]?.startsWith(prefix))
    if (at >= 0) {
      throw invalidRequest(
        `Found overlapping prefixes '${prefixes[at]}' and '${prefixes[at + 1]}' for same action type '${action}'`,
      )
    }
  }
}

function positive(value: number, reason: string): number {
  if (value < 1 || value > 0x7fff_ffff) throw invalid(/^'(\w+)'/.exec(reason)![1]!, String(value), reason)
  return value
}

function midnight(date: Date): string {
  if (date.getTime() % DAY_MS !== 0) throw invalid('Date', date.toISOString(), "'Date' must be at midnight GMT")
  return date.toISOString()
}

const DAY_MS = 86_400_000

/** For a rule that was given none: the same for the same rule at the same place. */
function idOf(rule: GivenRule, index: number): string {
  return createHash('sha256')
    .update(JSON.stringify([index, rule]))
    .digest('base64url')
}
