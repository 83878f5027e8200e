import type { Row } from '../measure.ts'
import { total } from '../store/processes.ts'
import { number } from './table.ts'

/** A line for each workload: operations a second on the first topology, and what each other one makes of them. */
export function scalingTable(rows: readonly Row[]): string[][] {
  const topologies = [...new Set(rows.map(({ topology }) => topology!))]
  const byName = Map.groupBy(rows, ({ name }) => name)
  const lines = Array.from(byName, ([name, own]) => {
    const rate = (topology: string | undefined) => {
      const row = own.find((one) => one.topology === topology)
      return row ? row.operations / row.seconds : Number.NaN
    }
    const first = own.find(({ topology }) => topology === topologies[0])!
    const others = topologies.slice(1).map((topology) => `× ${number(rate(topology) / rate(topologies[0]))}`)
    return [name, `${number(rate(topologies[0]))}/s`, number(busyCores(first)), ...others]
  })
  return [['workload', topologies[0] ?? '', 'cores busy', ...topologies.slice(1)], ...lines]
}

/** Of each workload on each topology, the round with the most operations a second. */
export function bestRounds(rows: readonly Row[]): Row[] {
  const rate = ({ operations, seconds }: Row) => operations / seconds
  const bySetUp = Map.groupBy(rows, ({ name, topology }) => `${name} ${topology}`)
  return Array.from(bySetUp.values(), (rounds) => rounds.reduce((best, one) => (rate(one) > rate(best) ? one : best)))
}

export function ratioLines(rows: readonly Row[]): string[] {
  return scalingTable(rows).map((cells) => cells.map((cell) => cell.padStart(26)).join(''))
}

/** By server and load generator: where that is all that there are, nothing can go faster. */
function busyCores({ usage, loadCpuSeconds, otherCpuSeconds, seconds }: Row): number {
  return (total(usage).cpuSeconds + loadCpuSeconds + otherCpuSeconds) / seconds
}
