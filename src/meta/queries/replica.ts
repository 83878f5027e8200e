import { statement } from '../statement.ts'

const milliseconds = (time: string) => `(extract(epoch from ${time}) * 1000)::float8`

/** On a standby: when the primary committed what it replayed last; null: nothing since it was started. */
export const readReplayed = statement({
  name: 'read_replayed_v1',
  text: /* sql */ `
    select pg_is_in_recovery() as is_standby, ${milliseconds('pg_last_xact_replay_timestamp()')} as replayed_ms`,
  bind: (_: undefined) => [],
  row: (r) => ({ isStandby: r.is_standby as boolean, replayedMs: r.replayed_ms as number | null }),
})

export const readPrimaryClock = statement({
  name: 'read_primary_clock_v1',
  text: `select ${milliseconds('clock_timestamp()')} as now_ms`,
  bind: (_: undefined) => [],
  row: (r) => r.now_ms as number,
})
