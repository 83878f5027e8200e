import type pg from 'pg'
import { LostConnection } from './trouble.ts'

/** pg_walfile_name begins with the timeline, in hexadecimal digits. */
const WHO_ARE_YOU = `
  select pg_is_in_recovery() as is_standby, system_identifier::text as cluster,
         case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_insert_lsn()), 8) end as timeline
    from pg_control_system()`

/** Who is talked to. */
export interface Admission {
  /** For a new connection. Throws a LostConnection when it does not lead where it should. */
  admit(client: pg.ClientBase): Promise<void>
  /** For a connection that was admitted: it does not lead there any more. */
  isSuperseded(client: pg.ClientBase): boolean
}

interface Who {
  is_standby: boolean
  cluster: string
  timeline: string | null
}

/**
 * Which primaries this process has met. Each failover begins a new timeline: who is on an older one was superseded, and what it
 * answers may be out of date, whatever it believes to be.
 */
export class Primaries implements Admission {
  #cluster = ''
  #newest = 0
  readonly #timelines = new WeakMap<pg.ClientBase, number>()

  /** For a new connection. Throws a LostConnection when it does not lead to a primary that may be the latest. */
  async admit(client: pg.ClientBase): Promise<void> {
    const { is_standby: isStandby, cluster, timeline } = await ask(client)
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

  /** For connections to standbys of the primary that was met; whether it is a standby still, its reader asks. */
  ofStandbys(): Admission {
    return {
      admit: async (client) => {
        const { cluster } = await ask(client)
        if (cluster !== this.#cluster) throw refused('a server of another cluster')
      },
      isSuperseded: () => false,
    }
  }
}

async function ask(client: pg.ClientBase): Promise<Who> {
  const { rows } = await client.query<Who>(WHO_ARE_YOU)
  return rows[0]!
}

/** Nothing was sent: to the caller it is as if nobody had answered. */
function refused(what: string): LostConnection {
  return new LostConnection(false, new Error(`the database's address leads to ${what}`))
}
