import type { PoolUse, ReplicaUse, StatementMeter } from '../base/meters.ts'
import { CALL_SECONDS, Histogram } from './histogram.ts'
import { type Family, family, inGroup, single } from './metric.ts'
import { Tally } from './tally.ts'

const { counter, gauge, histogram } = inGroup('Metadata, as a process sees it')
const labels = ['pool']

export const databaseMetrics = {
  connections: gauge({
    name: 'sextant_database_connections',
    labels: ['pool', 'state'],
    about:
      'Connections of a pool, `busy` or `idle`. Pools: hot (commits and look-ups in batches), general (all else that is waited for), behind (upkeep), replica (what may be a little old).',
  }),
  connectionsMax: gauge({
    name: 'sextant_database_connections_max',
    labels,
    about: 'What a pool may open.',
  }),
  waiting: gauge({ name: 'sextant_database_waiting', labels, about: 'Calls that wait for a connection of a pool.' }),
  seconds: histogram({
    name: 'sextant_statement_seconds',
    labels,
    bounds: CALL_SECONDS,
    about: 'Of a statement, from the wish for a connection to its last row.',
  }),
  failures: counter({
    name: 'sextant_statement_failures_total',
    labels,
    about: 'Statements that failed: the connection broke, there was a conflict, or a limit of time was reached.',
  }),
  statements: counter({
    name: 'sextant_statements_total',
    labels: ['statement'],
    about: 'Statements by the name that they are prepared under. One may carry what many requests wait for.',
  }),
  statementSeconds: counter({
    name: 'sextant_statement_time_seconds_total',
    labels: ['statement'],
    about: 'How long they took, added up: divided by their number, the mean.',
  }),
  replicaUsed: gauge({
    name: 'sextant_read_replica_used',
    about:
      '1: the read replica answers what may be a little old. 0: it is away, or too far behind, or was not asked yet.',
  }),
  replicaLag: gauge({
    name: 'sextant_read_replica_lag_seconds',
    about: 'How far behind the primary it was when it was looked at last.',
  }),
  replicaFallbacks: counter({
    name: 'sextant_read_replica_fallbacks_total',
    about: 'Statements meant for the read replica that the primary carried out.',
  }),
} as const

interface OfStatement {
  count: number
  seconds: number
}

interface OfPool {
  seconds: Histogram
  failures: number
}

/** Counts statements of all pools of a process. */
export class StatementCounter {
  readonly #pools = new Tally<OfPool>(() => ({ seconds: new Histogram(CALL_SECONDS), failures: 0 }))
  readonly #statements = new Tally<OfStatement>(() => ({ count: 0, seconds: 0 }))

  readonly meter: StatementMeter = ({ statement, pool, durationMs, isFailed }) => {
    const seconds = durationMs / 1000
    const ofPool = this.#pools.of(pool)
    ofPool.seconds.observe(seconds)
    if (isFailed) ofPool.failures += 1
    const ofStatement = this.#statements.of(statement)
    ofStatement.count += 1
    ofStatement.seconds += seconds
  }

  collect(pools: readonly PoolUse[], replica?: ReplicaUse): Family[] {
    const ofPools = [...this.#pools.entries()]
    const statements = [...this.#statements.entries()]
    return [
      family(
        databaseMetrics.connections,
        pools.flatMap(({ name, busy, idle }) => [
          [[name, 'busy'], busy],
          [[name, 'idle'], idle],
        ]),
      ),
      family(
        databaseMetrics.connectionsMax,
        pools.map(({ name, connectionsMax }) => [[name], connectionsMax]),
      ),
      family(
        databaseMetrics.waiting,
        pools.map(({ name, waiting }) => [[name], waiting]),
      ),
      family(
        databaseMetrics.seconds,
        ofPools.map(([pool, { seconds }]) => [[pool], seconds.read()]),
      ),
      family(
        databaseMetrics.failures,
        ofPools.map(([pool, { failures }]) => [[pool], failures]),
      ),
      family(
        databaseMetrics.statements,
        statements.map(([name, { count }]) => [[name], count]),
      ),
      family(
        databaseMetrics.statementSeconds,
        statements.map(([name, { seconds }]) => [[name], seconds]),
      ),
      ...(replica ? collectReplica(replica) : []),
    ]
  }
}

function collectReplica({ isUsed, lagMs, fallbacks }: ReplicaUse): Family[] {
  return [
    single(databaseMetrics.replicaUsed, isUsed ? 1 : 0),
    ...(lagMs === undefined ? [] : [single(databaseMetrics.replicaLag, lagMs / 1000)]),
    single(databaseMetrics.replicaFallbacks, fallbacks),
  ]
}
