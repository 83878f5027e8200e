import { readdirSync, readFileSync } from 'node:fs'

/** What one kind of process used, summed. */
export interface Usage {
  processes: number
  /** User and system time, in seconds; children that ended are in it. */
  cpuSeconds: number
  /** Memory of their own, and what they share among them (PostgreSQL's buffers) once. Files that are mapped are left out. */
  residentBytes: number
  /** All resident pages, as `ps` tells them. */
  totalBytes: number
  /** Bytes for the disk, from /proc/<pid>/io: counted when they are handed to the kernel. */
  writtenBytes: number
}

/**
 * gateway, nodes, postgres and supervisor (`sextant up`) of a Sextant, a load balancer before it; the processes of
 * another S3 server are all of one kind.
 */
export type ProcessKind = 'gateway' | 'nodes' | 'postgres' | 'supervisor' | 'balancer' | 'server'

export type UsageByKind = Partial<Record<ProcessKind, Usage>>

const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/** The processes `rootPids` and all of their descendants, with their kinds. Linux only: reads /proc. */
export function processesUnder(rootPids: readonly number[]): Map<number, ProcessKind> {
  const tree = treeOf(rootPids).flatMap((pid): [number, ProcessKind][] => {
    const command = readIfThere(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ')
    return command ? [[pid, kindOf(command)]] : []
  })
  return new Map(tree)
}

/** What they used so far, by kind. */
export function usageUnder(rootPids: readonly number[]): UsageByKind {
  const usage: UsageByKind = {}
  const sharedBytes: Partial<Record<ProcessKind, number>> = {}
  for (const [pid, kind] of processesUnder(rootPids)) {
    const one = usageOf(pid)
    if (!one) continue
    const { shared, ...own } = one
    usage[kind] = usage[kind] ? sum(usage[kind], own) : own
    sharedBytes[kind] = Math.max(sharedBytes[kind] ?? 0, shared)
  }
  for (const [kind, of] of entriesOf(usage)) of.residentBytes += sharedBytes[kind] ?? 0
  return usage
}

/** The difference of what adds up; memory as it is at the end. */
export function usageBetween(before: UsageByKind, after: UsageByKind): UsageByKind {
  return Object.fromEntries(
    entriesOf(after).map(([kind, usage]) => [
      kind,
      {
        ...usage,
        cpuSeconds: usage.cpuSeconds - (before[kind]?.cpuSeconds ?? 0),
        writtenBytes: usage.writtenBytes - (before[kind]?.writtenBytes ?? 0),
      },
    ]),
  )
}

export function total(usage: UsageByKind): Usage {
  const none = { processes: 0, cpuSeconds: 0, residentBytes: 0, totalBytes: 0, writtenBytes: 0 }
  return entriesOf(usage).reduce((all, [, one]) => sum(all, one), none)
}

export function entriesOf(usage: UsageByKind): [ProcessKind, Usage][] {
  return Object.entries(usage) as [ProcessKind, Usage][]
}

/** All processes of the machine together, in seconds since it started. */
export function machineCpuSeconds(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}

function sum(a: Usage, b: Usage): Usage {
  return {
    processes: a.processes + b.processes,
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    residentBytes: a.residentBytes + b.residentBytes,
    totalBytes: a.totalBytes + b.totalBytes,
    writtenBytes: a.writtenBytes + b.writtenBytes,
  }
}

function treeOf(rootPids: readonly number[]): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? Number(statOf(Number(name))?.[1]) : Number.NaN
    if (Number.isNaN(parent)) continue
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = new Set(rootPids)
  for (const pid of tree) for (const child of children.get(pid) ?? []) tree.add(child)
  return [...tree]
}

/** The fields of /proc/<pid>/stat behind the command's name: state first, then the parent. undefined: it is gone. */
function statOf(pid: number): string[] | undefined {
  const text = readIfThere(`/proc/${pid}/stat`)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function kindOf(command: string): ProcessKind {
  const [, part] = /sextant(?:\.js)? (storage-node|gateway|up)\b/.exec(command) ?? []
  if (part === 'storage-node') return 'nodes'
  if (part === 'gateway') return 'gateway'
  if (part === 'up') return 'supervisor'
  if (/\bpostgres\b/.test(command)) return 'postgres'
  return /\bhaproxy\b/.test(command) ? 'balancer' : 'server'
}

function usageOf(pid: number): (Usage & { shared: number }) | undefined {
  const stat = statOf(pid)
  const status = readIfThere(`/proc/${pid}/status`)
  const io = readIfThere(`/proc/${pid}/io`)
  // It ended between listing and reading: its parent has its time.
  if (!stat || status === undefined || io === undefined) return undefined
  const bytesOf = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024
  const ticks = [11, 12, 13, 14].reduce((all, field) => all + Number(stat[field]), 0)
  return {
    processes: 1,
    cpuSeconds: ticks / TICKS_PER_SECOND,
    residentBytes: bytesOf('RssAnon'),
    shared: bytesOf('RssShmem'),
    totalBytes: Number(stat[21]) * PAGE_BYTES,
    writtenBytes: Number(/\nwrite_bytes: (\d+)/.exec(io)?.[1] ?? 0),
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined
  }
}
