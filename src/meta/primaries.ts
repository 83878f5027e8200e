import type pg from 'pg'
import { LostConnection } from './trouble.ts'

/** pg_walfile_name begins with the timeline, in hexadecimal digits. */
const WHO_ARE_YOU = `
  select pg_is_in_recovery() as is_standby, system_identifier::text as cluster,
         case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end as timeline
    from pg_control_system()`

/**
 * Which primaries this process has met. Each failover begins a new timeline: who is on an older one was superseded, and what it
 * answers may be out of date, whatever it believes to be.
 */
export class Primaries {
  #cluster = ''
  #newest = 0
  readonly #timelines = new WeakMap<pg.ClientBase, number>()

  /** For a new connection. Throws a LostConnection when it does not lead to a primary that may be the latest. */
  async admit(client: pg.ClientBase): Promise<void> {
    const { rows } = await client.query<{ is_standby: boolean; cluster: string; timeline: string | null }>(WHO_ARE_YOU)
    const { is_standby: isStandby, cluster, timeline } = rows[0]!
    if (isStandby || timeline === null) throw refused('a standby')
    const number = Number.parseInt(timeline, 16)
    // Restored into a new cluster, it counts anew.
    const newest = cluster === this.#cluster ? this.#newest : 0
    if (number < newest) throw refused('a primary that was superseded')
    this.#cluster = cluster
    this.#newest = number
    this.#timelines.set(client, number)
  }

  /** For a connection that was admitted: a later primary was met since. */
  isSuperseded(client: pg.ClientBase): boolean {
    return this.#timelines.get(client) !== this.#newest
  }
}

/** Nothing was sent: to the caller it is as if nobody had answered. */
function refused(what: string): LostConnection {
  return new LostConnection(false, new Error(`the database's address leads to ${what}`))
}
