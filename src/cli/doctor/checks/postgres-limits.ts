import type { Settings } from '../../../base/config.ts'
import { aboutDatabase } from '../about-database.ts'
import { type Finding, orOk, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

/** Of a gateway beside SEXTANT_DATABASE_CONNECTIONS: jobs, locks, notices. */
const GATEWAY_MORE = 4
const NODE_CONNECTIONS = 2
/** For commands, backups and people. */
const SPARE = 5
/** A transaction that deletes 1,000 keys holds as many locks. docs/deploy.md. */
const LOCKS_MIN = 256

export const postgresLimits = aboutDatabase('PostgreSQL limits', (facts, context) => {
  const { connectionsMax, settings, gateways } = facts
  const needed = neededConnections(context, gateways ?? 0)
  const wrong: Finding[] = []
  if (needed > connectionsMax)
    wrong.push(
      warning(
        `Gateways and storage nodes may open ${needed} connections, and PostgreSQL takes ${connectionsMax}: raise max_connections, or lower SEXTANT_DATABASE_CONNECTIONS.`,
      ),
    )
  if (settings.locksPerTransaction < LOCKS_MIN)
    wrong.push(
      warning(
        `max_locks_per_transaction is ${settings.locksPerTransaction}, and many deletes at once need more: set it to ${LOCKS_MIN} and restart PostgreSQL.`,
      ),
    )
  return orOk(wrong, `up to ${needed} of ${connectionsMax} connections are needed`)
})

function neededConnections({ role, settings }: DoctorContext, gatewaysSeen: number): number {
  const gateways = role === 'up' ? settings.workers : Math.max(1, gatewaysSeen)
  const nodes = role === 'up' ? settings.nodes : NODES_AT_LEAST
  return gateways * ofGateway(settings) + nodes * NODE_CONNECTIONS + SPARE
}

/** Of a cluster on several hosts. */
const NODES_AT_LEAST = 6

function ofGateway({ databaseConnections }: Settings): number {
  return databaseConnections + GATEWAY_MORE
}
