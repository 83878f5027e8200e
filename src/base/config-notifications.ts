import { integer, seconds } from './config-kinds.ts'
import { inGroup, s3Side } from './config-setting.ts'
import { channelSet, webhookMap } from './notifications/configured-targets.ts'

const notifications = inGroup('Notifications')
const DAY = 86_400

/** Whom buckets' events are told to. docs/notifications.md */
export const notificationSettings = {
  webhooks: notifications({
    name: 'SEXTANT_WEBHOOKS',
    kind: webhookMap,
    default: undefined,
    readBy: s3Side,
    secret: true,
    about:
      'Where bucket notifications can be sent by HTTP: a JSON object of ids, each with a URL, or with `{"url": …, "secret": …}` to have messages signed. Buckets name one as `arn:sextant:sqs::<id>:webhook`. The same for all gateways.',
  }),
  notifyChannels: notifications({
    name: 'SEXTANT_NOTIFY_CHANNELS',
    kind: channelSet,
    default: undefined,
    readBy: s3Side,
    about:
      "Channels of PostgreSQL's NOTIFY that bucket notifications can be sent to, with commas between them. Buckets name one as `arn:sextant:sqs::<channel>:postgres`. The same for all gateways.",
  }),
  webhookTimeoutMs: notifications({
    name: 'SEXTANT_WEBHOOK_TIMEOUT_SECONDS',
    kind: seconds({ min: 0.1, max: 300 }),
    default: '10',
    readBy: s3Side,
    about: 'How long a webhook may take to answer; then the event is sent again.',
  }),
  eventAgeMsMax: notifications({
    name: 'SEXTANT_EVENT_MAX_AGE_SECONDS',
    kind: seconds({ min: 60, max: 365 * DAY }),
    default: String(7 * DAY),
    readBy: s3Side,
    about: 'An event that nobody took for so long is dropped.',
  }),
  eventsWaitingMax: notifications({
    name: 'SEXTANT_EVENTS_MAX',
    kind: integer({ min: 100, max: 100_000_000 }),
    default: '1000000',
    readBy: s3Side,
    about: 'As many events wait for one target, at most; of more, the oldest are dropped.',
  }),
} as const
