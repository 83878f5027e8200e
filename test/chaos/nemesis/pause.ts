import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCluster } from '../cluster/cluster.ts'
import type { Nemesis } from './nemesis.ts'

/** SIGSTOP of one storage node or gateway, any, for one of these times; then SIGCONT: it goes on as if nothing had been. */
export function pauseAny(cluster: ChaosCluster, forMs: readonly number[], random: () => number): Nemesis {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  return async () => {
    const victim = one([cluster.nodes, cluster.gateways])
    const member = one(victim)
    const ms = one(forMs)
    member.signal('SIGSTOP')
    await sleep(ms)
    member.signal('SIGCONT')
    return `${member.kind} for ${ms / 1000} s`
  }
}
