import type { Settings } from '../../base/config.ts'
import type { NotificationTargets } from '../../base/notifications/targets.ts'

/** Whom events can be told to: nobody, where nothing is set. */
export function notificationTargets({ webhooks, notifyChannels }: Settings): NotificationTargets {
  return { webhooks: webhooks ?? new Map(), channels: notifyChannels ?? new Set() }
}
