import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { CpuProfile } from '../profile/profile-tree.ts'
import { type ProcessKind, processesUnder } from './processes.ts'

/** The probes (probe.ts) in a store's Node processes. */
export interface Probes {
  /** fsync and fdatasync calls so far. */
  syncs(): Promise<Partial<Record<ProcessKind, number>>>
  startProfiles(): Promise<void>
  stopProfiles(): Promise<ProcessProfile[]>
}

export interface ProcessProfile {
  kind: ProcessKind
  profile: CpuProfile
}

/** What makes the processes of a store load the probe; it goes on to their children. */
export function probeEnvironment(directory: string): Record<string, string> {
  const probe = fileURLToPath(new URL('probe.ts', import.meta.url))
  const options = [process.env.NODE_OPTIONS ?? '', `--import=${probe}`].join(' ').trim()
  return { NODE_OPTIONS: options, BENCH_PROBE_DIRECTORY: directory }
}

/** Of the processes `rootPids` and their descendants, those that serve: the supervisor does no work of theirs. */
export function openProbes(directory: string, rootPids: readonly number[]): Probes {
  const each = async <T>(word: string) => {
    const processes = [...processesUnder(rootPids)].filter(([, kind]) => kind === 'gateway' || kind === 'nodes')
    return await Promise.all(
      processes.map(async ([pid, kind]) => ({ kind, value: await ask<T>(join(directory, `${pid}.sock`), word) })),
    )
  }
  return {
    async syncs() {
      const counts: Partial<Record<ProcessKind, number>> = {}
      for (const { kind, value } of await each<number>('syncs')) counts[kind] = (counts[kind] ?? 0) + value
      return counts
    },
    async startProfiles() {
      await each('profile')
    },
    async stopProfiles() {
      const stopped = await each<CpuProfile>('stop')
      return stopped.map(({ kind, value }) => ({ kind, profile: value }))
    },
  }
}

async function ask<T>(path: string, word: string): Promise<T> {
  const socket = connect(path)
  socket.write(word)
  return JSON.parse(await text(socket)) as T
}
