import type { Clock, Random } from '../../base/clock.ts'
import { deadline } from '../../base/deadline.ts'
import type { Webhook } from '../../base/notifications/targets.ts'
import type { NotificationCatalogue, ObjectEvent, PostEvent } from '../ports/notifications.ts'
import { eventMessage } from './event-message.ts'
import type { TargetHealth } from './target-health.ts'

export interface WebhookDeps {
  catalogue: NotificationCatalogue
  post: PostEvent
  health: TargetHealth
  clock: Clock
  random: Random
}

export interface WebhookOrder {
  /** The ARN. */
  target: string
  webhook: Webhook
  /** Of one attempt. */
  timeoutMs: number
  onTold: (count: number) => void
}

/** Events in memory, at most. */
const EVENTS_AT_ONCE = 64
/** While messages are under way, between two looks for others that are due. */
const LOOK_MS = 250
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 300_000

/**
 * Sends what is due, some at a time: of each key only the first is ever due, so that they are all of different keys.
 * Ends when nothing is due any more, or the webhook has to rest.
 */
export async function tellWebhook(deps: WebhookDeps, order: WebhookOrder, signal: AbortSignal): Promise<void> {
  const { catalogue, health, clock } = deps
  const underWay = new Map<number, Promise<void>>()
  let due: ObjectEvent[] = []
  try {
    while (!signal.aborted) {
      if (due.length === 0 && underWay.size < health.lanes) {
        const query = { target: order.target, rowsMax: EVENTS_AT_ONCE }
        // By the time that it comes, some of these may be gone: they are not due, whatever it says.
        const begun = new Set(underWay.keys())
        due = (await catalogue.listDueEvents(query, signal)).filter(({ eventId }) => !begun.has(eventId))
      }
      while (due.length > 0 && underWay.size < health.lanes) {
        const event = due.shift()!
        underWay.set(
          event.eventId,
          tellOne(deps, order, event, signal).finally(() => underWay.delete(event.eventId)),
        )
      }
      if (underWay.size === 0) return
      await Promise.race([...underWay.values(), clock.sleep(LOOK_MS, signal)])
    }
  } finally {
    await Promise.allSettled(underWay.values())
  }
}

/** An event is forgotten after it was taken: killed in between, whoever goes on sends it once more. */
async function tellOne(deps: WebhookDeps, order: WebhookOrder, event: ObjectEvent, signal: AbortSignal): Promise<void> {
  const { catalogue, post, health, clock, random } = deps
  const { eventId, attempts } = event
  try {
    using late = deadline(clock, order.timeoutMs)
    const message = { eventId, body: eventMessage(event) }
    await post(order.webhook, message, AbortSignal.any([signal, late.signal]))
  } catch (error) {
    if (signal.aborted) return
    health.failed(eventId, error)
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(attempts, 16))
    // Half of it by chance, so that what failed together is not tried together for ever.
    await catalogue.postponeEvents([{ eventId, delayMs: delayMs / 2 + random.integer(delayMs / 2) }], signal)
    return
  }
  health.succeeded()
  await catalogue.forgetEvents([eventId], signal)
  order.onTold(1)
}
