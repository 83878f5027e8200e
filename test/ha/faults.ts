import { setTimeout as sleep } from 'node:timers/promises'
import type { MetadataCluster } from './metadata-cluster.ts'

/** Harm to the metadata service. */
export interface Fault {
  name: string
  /** Another host must lead afterwards. */
  movesPrimary: boolean
  /** Does it; answers what undoes it. */
  strike(metadata: MetadataCluster): Promise<() => Promise<void>>
}

/** The server alone: Patroni is there, and sees it. */
export const killPostgres: Fault = {
  name: 'PostgreSQL killed',
  movesPrimary: true,
  async strike(metadata) {
    const primary = (await metadata.primary())!
    primary.signal('SIGKILL', 'PostgreSQL')
    return async () => {}
  },
}

export const loseHost: Fault = {
  name: 'host lost',
  movesPrimary: true,
  async strike(metadata) {
    const primary = (await metadata.primary())!
    primary.signal('SIGKILL')
    return () => primary.start()
  },
}

/** As a host that sleeps, and wakes up as primary, as it believes, when another one has long taken over. */
export const hangHost: Fault = {
  name: 'host hung',
  movesPrimary: true,
  async strike(metadata) {
    const primary = (await metadata.primary())!
    primary.signal('SIGSTOP')
    return async () => primary.signal('SIGCONT')
  },
}

/** PostgreSQL goes on, and serves; who would notice is Patroni. */
export const hangPatroni: Fault = {
  name: 'Patroni hung',
  movesPrimary: true,
  async strike(metadata) {
    const primary = (await metadata.primary())!
    primary.signal('SIGSTOP', 'Patroni')
    return async () => primary.signal('SIGCONT', 'Patroni')
  },
}

export const hangEtcdLeader: Fault = {
  name: "etcd's leader hung",
  movesPrimary: false,
  async strike(metadata) {
    const leader = (await metadata.etcdLeader())!
    leader.signal('SIGSTOP', 'etcd')
    await sleep(10_000) // longer than etcd and Patroni take to go on without it
    return async () => leader.signal('SIGCONT', 'etcd')
  },
}
