import type { NotificationCatalogue } from '../ports/notifications.ts'
import { eventMessage } from './event-message.ts'

/** In one transaction: their keys are locked so long. */
const EVENTS_AT_ONCE = 100

/** Tells all that is due for a channel by NOTIFY. */
export async function notifyChannel(
  catalogue: NotificationCatalogue,
  { target, channel, onTold }: { target: string; channel: string; onTold: (count: number) => void },
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const events = await catalogue.listDueEvents({ target, rowsMax: EVENTS_AT_ONCE }, signal)
    if (events.length === 0) return
    const messages = events.map((event) => ({ eventId: event.eventId, payload: eventMessage(event) }))
    await catalogue.notifyEvents({ channel, messages }, signal)
    onTold(events.length)
  }
}
