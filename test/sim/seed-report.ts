import type { ReliabilityResult } from '../support/reliability.ts'
import { NAMED_STEPS } from './named-steps.ts'
import type { SimulationReport } from './simulate.ts'

/** What of a report passes between processes. */
export interface SeedReport
  extends Pick<SimulationReport, 'seed' | 'violations' | 'calls' | 'moments' | 'simulatedMs'> {
  reached: [step: string, count: number][]
  kills: [step: string, count: number][]
}

export function toSeedReport({ steps, seed, violations, calls, moments, simulatedMs }: SimulationReport): SeedReport {
  return { seed, violations, calls, moments, simulatedMs, reached: [...steps.reached], kills: [...steps.kills] }
}

export function summary(reports: readonly SeedReport[], seconds: number): string {
  const sum = (of: (report: SeedReport) => number) => reports.reduce((total, report) => total + of(report), 0)
  const steps = countedSteps(reports, ({ reached }) => reached)
  const kills = countedSteps(reports, (report) => report.kills)
  return [
    `${reports.length} seeds in ${seconds.toFixed(0)} s, ${((60 * reports.length) / seconds).toFixed(0)} a minute: ${failed(reports)} failed`,
    `${(sum((report) => report.simulatedMs) / 3_600_000).toFixed(1)} hours of simulated time, ${sum(({ moments }) => moments)} moments`,
    `calls: ${sum(({ calls }) => calls.ok)} well, ${sum(({ calls }) => calls.refused)} refused, ${sum(({ calls }) => calls.failed)} failed, ${sum(({ calls }) => calls.unknown)} with unknown outcome`,
    `${steps.size} steps reached, ${[...kills.values()].reduce((a, b) => a + b, 0)} kills; ${spread(killsOfNamed(reports), reports.length)}`,
  ].join('\n')
}

/** How often somebody was killed at each named step, the rarest first. */
export function killsOfNamed(reports: readonly SeedReport[]): [step: string, kills: number][] {
  const kills = countedSteps(reports, (report) => report.kills)
  return NAMED_STEPS.map((step): [string, number] => [step, kills.get(step) ?? 0]).sort(([, a], [, b]) => a - b)
}

function spread(kills: readonly [string, number][], seeds: number): string {
  const [least, middle, most] = [0, kills.length >> 1, kills.length - 1].map((n) => kills[n]![1]) as [
    number,
    number,
    number,
  ]
  const inThousand = (count: number) => Math.round((1000 * count) / seeds)
  return (
    `at each of ${kills.length} named steps ${least} to ${most}, half of them ${middle} or more` +
    ` (in 1,000 seeds: ${inThousand(least)} to ${inThousand(most)}, ${inThousand(middle)})`
  )
}

/** A line of docs/reliability.md. */
export function toResult(reports: readonly SeedReport[], killsMin: number): ReliabilityResult {
  const sum = (of: (report: SeedReport) => number) => reports.reduce((total, report) => total + of(report), 0)
  const kills = killsOfNamed(reports)
  const spared = kills.filter(([, count]) => count < killsMin).length
  const all = countedSteps(reports, (report) => report.kills)
  return {
    name: 'simulated clusters',
    test: 'test/sim/run.ts',
    promise: 'Whatever fails: what was acknowledged stays, nothing else comes of it, and all is put right in the end',
    passed: failed(reports) === 0 && spared === 0,
    runs:
      `${reports.length} clusters, one a seed, ${(sum(({ simulatedMs }) => simulatedMs) / 3_600_000).toFixed(0)} hours of` +
      ` simulated time, ${sum(({ calls }) => calls.ok + calls.refused + calls.failed + calls.unknown)} calls of clients;` +
      ` ${[...all.values()].reduce((a, b) => a + b, 0)} processes killed at steps, ${kills[0]![1]} or more at each of` +
      ` ${kills.length} named ones, ${kills[kills.length >> 1]![1]} or more at half of them`,
    result: `${failed(reports)} seeds with a key not linearizable, a wrong byte, or a chunk lost or left over`,
  }
}

function failed(reports: readonly SeedReport[]): number {
  return reports.filter(({ violations }) => violations.length > 0).length
}

function countedSteps(
  reports: readonly SeedReport[],
  of: (report: SeedReport) => readonly [string, number][],
): Map<string, number> {
  const counts = new Map<string, number>()
  for (const report of reports) {
    for (const [step, count] of of(report)) counts.set(step, (counts.get(step) ?? 0) + count)
  }
  return counts
}
