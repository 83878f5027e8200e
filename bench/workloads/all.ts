import { clientWorkloads } from './clients.ts'
import { databaseWorkloads } from './database.ts'
import { heavyWorkloads } from './heavy.ts'
import { listWorkloads } from './lists.ts'
import { nodeWorkloads } from './nodes.ts'
import { sizeWorkloads } from './sizes.ts'
import type { Group, Scale, Workload } from './workload.ts'

/** Groups that look inside a store: only for one that was started here. */
const INSIDE: readonly Group[] = ['nodes', 'database']

/** What is to run, in the order in which one leaves what the next works on. `only`: names, or names of groups. */
export function chooseWorkloads(
  scale: Scale,
  { only, isOwn }: { only: readonly string[] | undefined; isOwn: boolean },
): Workload[] {
  const all = [
    ...sizeWorkloads(scale),
    ...listWorkloads(scale),
    ...clientWorkloads(scale),
    ...heavyWorkloads(scale),
    ...nodeWorkloads(scale),
    ...databaseWorkloads(),
  ]
  const unknown = only?.filter((word) => !all.some(({ name, group }) => word === name || word === group)) ?? []
  if (unknown.length > 0) {
    throw new Error(`--only: no ${unknown.join(', ')} among ${all.map(({ name }) => name).join(', ')}`)
  }
  return all.filter(
    ({ name, group }) => (isOwn || !INSIDE.includes(group)) && (!only || only.includes(name) || only.includes(group)),
  )
}
