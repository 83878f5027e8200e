import { readdirSync, readFileSync } from 'node:fs'

/** CPU and memory of one kind of server process, summed. */
export interface Usage {
  /** User and system time, in seconds, children that ended included. */
  cpuSeconds: number
  residentBytes: number
  /** Resident pages, shared ones and files included. */
  totalBytes: number
  /** Highest that it ever was. */
  peakBytes: number
  /** Bytes sent to the disk, from /proc/<pid>/io. */
  writtenBytes: number
}

export type ProcessKind = 'gateway' | 'nodes' | 'postgres' | 'supervisor'

const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/** Usage of a process and all of its descendants, by kind. Linux only: reads /proc. */
export function usageOfTree(rootPid: number): Record<ProcessKind, Usage> {
  const none = (): Usage => ({
    cpuSeconds: 0,
    residentBytes: 0,
    totalBytes: 0,
    peakBytes: 0,
    writtenBytes: 0,
  })
  const usage = { gateway: none(), nodes: none(), postgres: none(), supervisor: none() }
  for (const pid of treeOf(rootPid)) {
    try {
      const kind = kindOf(pid, rootPid)
      addUsage(usage[kind], pid)
    } catch {
      // It ended between listing and reading; its parent has its time.
    }
  }
  return usage
}

/** The difference of CPU times and bytes written; memory as it is at the end. */
export function usageBetween(before: Record<ProcessKind, Usage>, after: Record<ProcessKind, Usage>) {
  const kinds = Object.keys(after) as ProcessKind[]
  return Object.fromEntries(
    kinds.map((kind) => [
      kind,
      {
        ...after[kind],
        cpuSeconds: after[kind].cpuSeconds - before[kind].cpuSeconds,
        writtenBytes: after[kind].writtenBytes - before[kind].writtenBytes,
      },
    ]),
  ) as Record<ProcessKind, Usage>
}

export function total(usage: Record<ProcessKind, Usage>): Usage {
  const sum = (field: keyof Usage) => Object.values(usage).reduce((all, one) => all + one[field], 0)
  return {
    cpuSeconds: sum('cpuSeconds'),
    residentBytes: sum('residentBytes'),
    totalBytes: sum('totalBytes'),
    peakBytes: sum('peakBytes'),
    writtenBytes: sum('writtenBytes'),
  }
}

function treeOf(rootPid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const parent = Number(statOf(Number(name))[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // gone
    }
  }
  const tree = [rootPid]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** The fields of /proc/<pid>/stat behind the command's name: state first, then ppid. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function kindOf(pid: number, rootPid: number): ProcessKind {
  if (pid === rootPid) return 'supervisor'
  const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')
  if (command.includes('storage-node')) return 'nodes'
  if (command.includes('gateway')) return 'gateway'
  return command.includes('postgres') ? 'postgres' : 'supervisor'
}

function addUsage(usage: Usage, pid: number): void {
  const stat = statOf(pid)
  const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(stat[field]), 0)
  usage.cpuSeconds += ticks / TICKS_PER_SECOND
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kib = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024
  usage.peakBytes += kib('VmHWM')
  usage.totalBytes += Number(stat[21]) * PAGE_BYTES
  // Shared pages (PostgreSQL's buffers) are counted once, with whoever holds them as private.
  usage.residentBytes += kib('RssAnon') || Number(stat[21]) * PAGE_BYTES
  const io = readFileSync(`/proc/${pid}/io`, 'latin1')
  usage.writtenBytes += Number(/\nwrite_bytes: (\d+)/.exec(io)?.[1] ?? 0)
}
