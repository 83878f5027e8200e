import { createHash } from 'node:crypto'
import { StoreFault } from '../../base/faults.ts'
import { eventsOf, neverHappens } from '../../base/notifications/events.ts'
import type { NotificationRule } from '../../base/notifications/rules.ts'
import { isConfigured, type NotificationTargets, parseTarget } from '../../base/notifications/targets.ts'
import { invalid } from '../fields.ts'
import { malformed } from '../xml/xml-scanner.ts'
import type { GivenConfiguration, GivenFilter } from './configuration.ts'

/**
 * A configuration's rules, judged as S3 judges them, each with an id.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
 * Faults: InvalidArgument, MalformedXML, NotImplemented (EventBridge, events that never happen here).
 */
export function parseConfiguration(given: GivenConfiguration, targets: NotificationTargets): NotificationRule[] {
  if (given.EventBridgeConfiguration) {
    throw new StoreFault('NotImplemented', { feature: 'EventBridgeConfiguration' })
  }
  const all: GivenRule[] = [
    ...given.TopicConfiguration.map(({ Topic, ...rest }) => ({ ...rest, kind: 'Topic' as const, target: Topic })),
    ...given.QueueConfiguration.map(({ Queue, ...rest }) => ({ ...rest, kind: 'Queue' as const, target: Queue })),
    ...given.CloudFunctionConfiguration.map(({ CloudFunction, ...rest }) => ({
      ...rest,
      kind: 'CloudFunction' as const,
      target: CloudFunction,
    })),
  ]
  if (all.length > RULES_MAX) {
    throw invalid('Configuration', undefined, `A bucket has at most ${RULES_MAX} notification configurations.`)
  }
  const rules = all.map(parseRule)
  refuseRepeatedIds(rules)
  refuseOverlaps(rules)
  for (const rule of rules) checkTarget(rule, targets)
  return rules
}

type GivenRule = Pick<NotificationRule, 'kind' | 'target'> & {
  Id?: string | undefined
  Event: readonly string[]
  Filter?: GivenFilter | undefined
}

/** S3's own. */
const RULES_MAX = 100
/** In UTF-16 code units. */
const ID_LENGTH_MAX = 255
const FILTER_BYTES_MAX = 1024

function parseRule(given: GivenRule): NotificationRule {
  const { Id, kind, target, Event } = given
  if (Event.length === 0) throw malformed(`a ${kind}Configuration has an Event`)
  for (const event of Event) {
    if (neverHappens(event)) throw new StoreFault('NotImplemented', { feature: `The event ${event}` })
    if (eventsOf(event).length === 0) throw invalid('Event', event, UNKNOWN_EVENT)
  }
  if (Id && Id.length > ID_LENGTH_MAX) throw invalid('Id', Id, 'ID length should not exceed allowed limit of 255')
  const id = Id || createHash('sha256').update(JSON.stringify(given)).digest('base64url')
  return { id, kind, target, events: Event, ...parseFilter(given.Filter) }
}

const UNKNOWN_EVENT = 'A specified event is not supported for notifications.'

function parseFilter(given: GivenFilter | undefined): Pick<NotificationRule, 'prefix' | 'suffix'> {
  const filter: { prefix?: string; suffix?: string } = {}
  for (const { Name, Value } of given?.S3Key?.FilterRule ?? []) {
    const name = Name.toLowerCase()
    if (name !== 'prefix' && name !== 'suffix') {
      throw invalid('FilterRule.Name', Name, 'filter rule name must be either prefix or suffix')
    }
    if (filter[name] !== undefined) {
      throw invalid('FilterRule.Name', Name, `Cannot specify more than one ${name} rule in a filter.`)
    }
    if (Buffer.byteLength(Value) > FILTER_BYTES_MAX) {
      const reason = 'Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation'
      throw invalid('FilterRule.Value', Value, reason)
    }
    filter[name] = Value
  }
  return filter
}

function refuseRepeatedIds(rules: readonly NotificationRule[]): void {
  const ids = new Set<string>()
  for (const { id } of rules) {
    if (ids.has(id)) throw invalid('Id', id, 'Configuration ids must be unique within a bucket.')
    ids.add(id)
  }
}

/** So that of what happens, one target is told at most. */
function refuseOverlaps(rules: readonly NotificationRule[]): void {
  for (const [n, rule] of rules.entries()) {
    const events = new Set(rule.events.flatMap(eventsOf))
    const other = rules
      .slice(n + 1)
      .find((each) => each.events.flatMap(eventsOf).some((event) => events.has(event)) && canMatchOne(rule, each))
    if (other) throw invalid('Configuration', other.id, AMBIGUOUS)
  }
}

const AMBIGUOUS =
  'Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.'

function canMatchOne(a: NotificationRule, b: NotificationRule): boolean {
  const [prefixA = '', prefixB = ''] = [a.prefix, b.prefix]
  const [suffixA = '', suffixB = ''] = [a.suffix, b.suffix]
  return (
    (prefixA.startsWith(prefixB) || prefixB.startsWith(prefixA)) &&
    (suffixA.endsWith(suffixB) || suffixB.endsWith(suffixA))
  )
}

function checkTarget({ kind, target }: NotificationRule, targets: NotificationTargets): void {
  const named = parseTarget(target)
  if (!named || named.kind !== kind) throw invalid(kind, target, 'The ARN is not well formed')
  if (!isConfigured(targets, named)) {
    throw invalid(kind, target, 'Unable to validate the following destination configurations')
  }
}
