import type { AccountId, BucketId, BucketName, ObjectKey, VersionId } from '../../base/ids.ts'
import type { EventOrigin } from '../../base/notifications/rules.ts'
import type { ObjectEvent } from '../../upkeep/ports/notifications.ts'
import { statement } from '../statement.ts'

/** Each target is looked up behind the one before: that costs as many probes as there are targets, however much waits. */
export const lookAtEvents = statement({
  name: 'look_at_events_v1',
  text: /* sql */ `
    with recursive waiting (target) as (
      (select e.target from event_outbox e order by e.target limit 1)
      union all
      select (select e.target from event_outbox e where e.target > w.target order by e.target limit 1)
        from waiting w where w.target is not null
    )
    select coalesce((select array_agg(w.target) from waiting w where w.target is not null), '{}') as targets,
           exists (select from buckets b where b.settings ? 'notification') as is_asked`,
  bind: (_: undefined) => [],
  row: (r) => ({ targets: r.targets as string[], isAsked: r.is_asked as boolean }),
})

/** Not clock_timestamp(): a volatile function keeps the index from being used. Index: event_outbox_due. */
export const listDueEvents = statement({
  name: 'list_due_events_v1',
  text: /* sql */ `
    select event_id, rule_id, event_name, bucket_id, bucket_name, owner_id, region, key, version_id, size_bytes, etag, origin,
           made_at, attempts
      from event_outbox where target = $1 and due_at <= statement_timestamp() order by due_at limit $2`,
  bind: (q: { target: string; rowsMax: number }) => [q.target, q.rowsMax],
  row: (r): ObjectEvent => ({
    eventId: Number(r.event_id),
    ruleId: r.rule_id as string,
    name: r.event_name as string,
    bucket: {
      id: Number(r.bucket_id) as BucketId,
      name: r.bucket_name as BucketName,
      ownerId: r.owner_id as AccountId,
      region: r.region as string,
    },
    key: r.key as ObjectKey,
    versionId: (r.version_id ?? undefined) as VersionId | undefined,
    sizeBytes: r.size_bytes === null ? undefined : Number(r.size_bytes),
    etag: (r.etag ?? undefined) as string | undefined,
    origin: (r.origin ?? undefined) as EventOrigin | undefined,
    happenedAt: r.made_at as Date,
    attempts: r.attempts as number,
  }),
})

export const forgetEvents = statement({
  name: 'forget_events_v1',
  text: 'select forget_events_v1($1) as gone',
  bind: (eventIds: readonly number[]) => [eventIds],
  row: () => undefined,
})

export const postponeEvents = statement({
  name: 'postpone_events_v1',
  text: /* sql */ `
    update event_outbox e
       set attempts = e.attempts + 1,
           due_at = clock_timestamp()
             + make_interval(secs => ($2::int[])[array_position($1::bigint[], e.event_id)]::float8 / 1000)
     where e.ctid = any (event_places_v1($1))`,
  bind: (postponed: readonly { eventId: number; delayMs: number }[]) => [
    postponed.map(({ eventId }) => eventId),
    postponed.map(({ delayMs }) => delayMs),
  ],
  row: () => undefined,
})

export const notifyEvents = statement({
  name: 'notify_events_v1',
  text: 'select notify_events_v1($1, $2, $3)',
  bind: (o: { channel: string; messages: readonly { eventId: number; payload: string }[] }) => [
    o.channel,
    o.messages.map(({ eventId }) => eventId),
    o.messages.map(({ payload }) => payload),
  ],
  row: () => undefined,
})

export const dropEvents = statement({
  name: 'drop_events_v1',
  text: 'select drop_events_v1($1, make_interval(secs => $2::float8 / 1000), $3, $4) as dropped',
  bind: (l: { target: string; ageMsMax: number; waitingMax: number; droppedMax: number }) => [
    l.target,
    l.ageMsMax,
    l.waitingMax,
    l.droppedMax,
  ],
  row: (r) => r.dropped as number,
})
