import { readFile } from 'node:fs/promises'
import { type Check, ok, skipped, warning } from '../check.ts'
import type { DoctorContext } from '../context.ts'

/** Files of open chunks, connections to nodes and to PostgreSQL, and what a process has besides. */
const BESIDE_CLIENTS = 1_000

/** Of the gateway that runs; else of this command, as a start from the same shell would have it. */
export const openFiles: Check = {
  name: 'open files',
  async run({ settings, role, store }) {
    const needed = BESIDE_CLIENTS + (role === 'storage-node' ? 0 : settings.connectionsMax)
    const limit = (await limitOf(gatewayPid(store))) ?? (await limitOf('self'))
    if (limit === undefined) return skipped('this system does not tell how many files a process may open')
    if (limit >= needed) return ok(`a process may open ${limit} files`)
    const clients = role === 'storage-node' ? '' : `, and SEXTANT_MAX_CONNECTIONS is ${settings.connectionsMax}`
    return warning(
      `A process may open ${limit} files${clients}: raise the limit to ${needed} or more (LimitNOFILE= in a systemd unit, ulimit -n in a shell).`,
    )
  },
}

function gatewayPid(store: DoctorContext['store']): number | undefined {
  return store?.processes.find(({ name }) => name.startsWith('gateway'))?.pid ?? undefined
}

async function limitOf(pid: number | 'self' | undefined): Promise<number | undefined> {
  if (pid === undefined) return undefined
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => '')
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(limits) ?? []
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft)
}
