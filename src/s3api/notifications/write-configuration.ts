import type { NotificationRule } from '../../base/notifications/rules.ts'
import type { GivenConfiguration, GivenFilter } from './configuration.ts'

/** Rules as they were given, each with its id. */
export function writeConfiguration(rules: readonly NotificationRule[]): GivenConfiguration {
  const of = (kind: NotificationRule['kind']) => rules.filter((rule) => rule.kind === kind)
  return {
    TopicConfiguration: of('Topic').map((rule) => ({ ...common(rule), Topic: rule.target })),
    QueueConfiguration: of('Queue').map((rule) => ({ ...common(rule), Queue: rule.target })),
    CloudFunctionConfiguration: of('CloudFunction').map((rule) => ({ ...common(rule), CloudFunction: rule.target })),
  }
}

function common({ id, events, prefix, suffix }: NotificationRule) {
  const FilterRule = [
    ...(prefix === undefined ? [] : [{ Name: 'Prefix', Value: prefix }]),
    ...(suffix === undefined ? [] : [{ Name: 'Suffix', Value: suffix }]),
  ]
  const Filter: GivenFilter | undefined = FilterRule.length > 0 ? { S3Key: { FilterRule } } : undefined
  return { Id: id, Event: events, Filter }
}
