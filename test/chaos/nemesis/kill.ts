import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosCluster } from '../cluster/cluster.ts'
import type { Member } from '../cluster/member.ts'
import type { Nemesis } from './nemesis.ts'

/** Of so many strikes one takes two processes at once. */
const DOUBLE_EVERY = 5

/**
 * kill -9 of one process or two, any: storage nodes, gateways, PostgreSQL. They are started again at once, and waited for:
 * on a machine so busy that a start takes longer than the time between strikes, there would soon be nobody left to kill.
 */
export function killAny({ members }: ChaosCluster, random: () => number): Nemesis {
  const choose = (count: number) => Math.floor(random() * count)
  return async () => {
    const victims = new Set([members[choose(members.length)]!])
    if (choose(DOUBLE_EVERY) === 0) victims.add(members[choose(members.length)]!)
    await Promise.all([...victims].map(killAndAwait))
    return [...victims].map(({ kind }) => kind).join(' and ')
  }
}

async function killAndAwait(victim: Member): Promise<void> {
  const { pid } = victim
  victim.signal('SIGKILL')
  while (pid !== undefined && victim.pid === pid) await sleep(20)
  await victim.serving()
}
