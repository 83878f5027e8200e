import type { NotificationRule } from './rules.ts'

/** What events can be told to, by the operator's settings. */
export interface NotificationTargets {
  readonly webhooks: ReadonlyMap<string, Webhook>
  /** Of PostgreSQL's NOTIFY. */
  readonly channels: ReadonlySet<string>
}

export interface Webhook {
  readonly url: string
  /** What messages are signed with. */
  readonly secret?: string | undefined
}

/** What an ARN names. */
export interface NamedTarget {
  readonly type: 'webhook' | 'postgres'
  readonly name: string
}

/** As S3 has them: what each kind of configuration leads to. */
const SERVICES: Readonly<Record<string, NotificationRule['kind']>> = {
  sqs: 'Queue',
  sns: 'Topic',
  lambda: 'CloudFunction',
}

/** `arn:sextant:sqs::<id>:webhook`, `arn:sextant:sqs::<channel>:postgres`; undefined: no such ARN. */
export function parseTarget(arn: string): (NamedTarget & { kind: NotificationRule['kind'] }) | undefined {
  const match = /^arn:sextant:(sqs|sns|lambda)::([\w-]{1,63}):(webhook|postgres)$/.exec(arn)
  if (!match) return undefined
  return { kind: SERVICES[match[1]!]!, name: match[2]!, type: match[3] as NamedTarget['type'] }
}

export function isConfigured({ webhooks, channels }: NotificationTargets, { type, name }: NamedTarget): boolean {
  return type === 'webhook' ? webhooks.has(name) : channels.has(name)
}
