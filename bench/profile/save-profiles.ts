import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OnProfiles } from '../measure.ts'
import { drawFlameGraph } from './flame-graph.ts'
import { type Frame, heaviest, mergeProfiles } from './profile-tree.ts'

const LISTED_MAX = 60

/**
 * For each workload and kind of process: a flame graph and a list of where the time went, all processes of the kind
 * together, and each process's profile as a file that Chromium's DevTools open.
 */
export function profileSaver(directory: string): OnProfiles {
  mkdirSync(directory, { recursive: true })
  return async (name, profiles) => {
    for (const [kind, own] of Map.groupBy(profiles, (one) => one.kind)) {
      const base = join(directory, `${name}-${kind}`)
      for (const [index, { profile }] of own.entries()) {
        writeFileSync(`${base}-${index + 1}.cpuprofile`, JSON.stringify(profile))
      }
      const merged = mergeProfiles(own.map(({ profile }) => profile))
      const title = `${name}, ${kind}, ${own.length} ${own.length === 1 ? 'process' : 'processes'}`
      writeFileSync(`${base}.svg`, drawFlameGraph(title, merged))
      writeFileSync(`${base}.txt`, listOf(title, merged))
    }
  }
}

function listOf(title: string, root: Frame): string {
  const lines = heaviest(root)
    .slice(0, LISTED_MAX)
    .map(({ name, place, selfMicros }) => {
      const share = `${((selfMicros / root.micros) * 100).toFixed(1)} %`
      return `${share.padStart(7)} ${(selfMicros / 1000).toFixed(0).padStart(7)} ms  ${name}  ${place}`
    })
  return `${title}: ${(root.micros / 1e6).toFixed(2)} s on the CPU; time of its own by function\n\n${lines.join('\n')}\n`
}
