import type { AccountId, BucketId, BucketName, ObjectKey, VersionId } from '../../base/ids.ts'
import type { EventOrigin } from '../../base/notifications/rules.ts'
import type { Webhook } from '../../base/notifications/targets.ts'

/** Something that was done to an object, and that somebody is to be told. */
export interface ObjectEvent {
  /** Rises with every change of a key. */
  eventId: number
  /** Of the rule that asked for it. */
  ruleId: string
  /** `ObjectCreated:Put`, … */
  name: string
  bucket: { id: BucketId; name: BucketName; ownerId: AccountId; region: string }
  key: ObjectKey
  /** Of a bucket that keeps versions. */
  versionId: VersionId | undefined
  sizeBytes: number | undefined
  etag: string | undefined
  origin: EventOrigin | undefined
  happenedAt: Date
  /** How often it was tried in vain. */
  attempts: number
}

/** What the job needs of the outbox; src/meta implements it. Of a target's events only the first of each key is ever due. */
export interface NotificationCatalogue {
  /** The targets that events wait for; and whether any bucket asks for some. */
  look(signal: AbortSignal): Promise<{ targets: string[]; isAsked: boolean }>
  listDueEvents(query: { target: string; rowsMax: number }, signal: AbortSignal): Promise<ObjectEvent[]>
  /** They were told: the next one of each key is due. */
  forgetEvents(eventIds: readonly number[], signal: AbortSignal): Promise<void>
  /** They are due again after a while each. */
  postponeEvents(postponed: readonly { eventId: number; delayMs: number }[], signal: AbortSignal): Promise<void>
  /** Tells them by NOTIFY and forgets them, in one transaction; those that were forgotten since are not told. */
  notifyEvents(
    order: { channel: string; messages: readonly { eventId: number; payload: string }[] },
    signal: AbortSignal,
  ): Promise<void>
  /** Drops what has waited too long, or is too much, the oldest first. Answers how many are gone. */
  dropEvents(
    limits: { target: string; ageMsMax: number; waitingMax: number; droppedMax: number },
    signal: AbortSignal,
  ): Promise<number>
}

/** Sends one message to a webhook; resolves when it was taken, and rejects with the reason why not. */
export type PostEvent = (
  webhook: Webhook,
  message: { eventId: number; body: string },
  signal: AbortSignal,
) => Promise<void>
