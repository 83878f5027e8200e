import type { Clock } from '../base/clock.ts'
import type { PoolUse, ReplicaUse } from '../base/meters.ts'
import type { BatchMeter } from '../base/spans.ts'
import { doesAnswer } from './connection-config.ts'
import { Database, type DatabaseOptions, type Reader } from './database.ts'
import { Primaries } from './primaries.ts'
import { Pulse } from './pulse.ts'
import { Replica } from './replica.ts'

/** Pools apart, so that a slow listing never stands before a commit, and no job before a request. */
export interface Databases {
  /** Batched commits and look-ups. */
  hot: Database
  /** All else that is waited for. */
  general: Database
  /** Sweeps and jobs. */
  behind: Database
  /** For what may be a little old: a replica, or, where there is none, `behind`. */
  old: Reader
  clock: Clock
  /** Told of what travels in batches. */
  batched: BatchMeter | undefined
}

interface Sizes {
  connectionsMax: number
  silentMs: number
  replicaUrl: string | undefined
  replicaLagMsMax: number
  batched: BatchMeter | undefined
}

/** One each for commits, deletes, and look-ups of buckets and of objects, and two for their second lanes. */
const HOT_MAX = 6
/** Beside the others; few, so that jobs are slow rather than in the way. */
const BEHIND_MAX = 2

export function openDatabases(
  given: Omit<DatabaseOptions, 'connectionsMax' | 'pool' | 'pulse' | 'admission'>,
  { connectionsMax, silentMs, replicaUrl, replicaLagMsMax, batched }: Sizes,
): Databases & AsyncDisposable & { pools(): PoolUse[]; replicaUse(): ReplicaUse | undefined } {
  const { clock, log } = given
  const opened = new AsyncDisposableStack()
  // One for all pools: what one of them hears, all of them need not ask.
  const pulse = opened.use(new Pulse({ clock, silentMs, ask: () => doesAnswer(given) }))
  const primaries = new Primaries()
  const options = { ...given, pulse, admission: primaries }
  const hotMax = Math.min(HOT_MAX, Math.ceil(connectionsMax * 0.6))
  const hot = new Database({ ...options, pool: 'hot', connectionsMax: hotMax })
  const general = new Database({ ...options, pool: 'general', connectionsMax: Math.max(1, connectionsMax - hotMax) })
  const behind = new Database({ ...options, pool: 'behind', connectionsMax: BEHIND_MAX })
  const all = [hot, general, behind]
  let replica: Replica | undefined
  if (replicaUrl !== undefined) {
    const there = { ...given, url: replicaUrl }
    const database = new Database({
      ...there,
      pool: 'replica',
      connectionsMax: BEHIND_MAX,
      admission: primaries.ofStandbys(),
      pulse: opened.use(new Pulse({ clock, silentMs, ask: () => doesAnswer(there) })),
    })
    all.push(database)
    replica = new Replica({ primary: behind, replica: database, lagMsMax: replicaLagMsMax, clock, log })
  }
  return {
    hot,
    general,
    behind,
    old: replica ?? behind,
    clock,
    batched,
    pools: () => all.map((database) => database.use()),
    replicaUse: () => replica?.use(),
    async [Symbol.asyncDispose]() {
      await opened.disposeAsync()
      await Promise.all(all.map((database) => database[Symbol.asyncDispose]()))
    },
  }
}
