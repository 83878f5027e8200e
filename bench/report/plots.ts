import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '../measure.ts'
import type { Group } from '../workloads/workload.ts'
import { sizeName } from '../workloads/workload.ts'
import { type Axis, drawLineChart, type LineChart, type Series } from './line-chart.ts'

const MIB = 2 ** 20
const bySize: Axis = { label: 'size of the object', isLog: true, format: sizeName }
const byKeys: Axis = { label: 'keys in the bucket', isLog: true, format: (keys) => keys.toLocaleString('en') }
const byClients: Axis = { label: 'requests at once', isLog: true, format: String }
const milliseconds = (isLog: boolean): Axis => ({ label: 'ms', isLog, format: plain })
const plain = (value: number) => (value >= 10 ? value.toLocaleString('en') : String(Number(value.toPrecision(2))))

interface Plot {
  file: string
  group: Group
  chart: Omit<LineChart, 'series'>
  /** Names of lines that are drawn for each series, and what they show; all but the first are dashed. */
  lines: Readonly<Record<string, (row: Row) => number>>
}

const p50 = (row: Row) => row.latencyMs.p50
const p99 = (row: Row) => row.latencyMs.p99

const plots: readonly Plot[] = [
  {
    file: 'throughput-by-size',
    group: 'sizes',
    chart: { title: 'Throughput by size', x: bySize, y: { label: 'MiB/s', isLog: true, format: plain } },
    lines: { '': (row) => (row.bytesIn + row.bytesOut) / MIB / row.seconds },
  },
  {
    file: 'latency-by-size',
    group: 'sizes',
    chart: { title: 'Latency by size', x: bySize, y: milliseconds(true) },
    lines: { p50, p99 },
  },
  {
    file: 'list-by-keys',
    group: 'lists',
    chart: { title: 'Half of all listings take so long, by number of keys', x: byKeys, y: milliseconds(false) },
    lines: { '': p50 },
  },
  {
    file: 'throughput-by-clients',
    group: 'clients',
    chart: { title: 'Operations by requests at once', x: byClients, y: { label: '1/s', isLog: false, format: plain } },
    lines: { '': (row) => row.operations / row.seconds },
  },
  {
    file: 'latency-by-clients',
    group: 'clients',
    chart: { title: 'Latency by requests at once', x: byClients, y: milliseconds(true) },
    lines: { p50, p99 },
  },
]

/** Draws what the rows have at least two points for. */
export function drawPlots({ directory, name }: { directory: string; name: string }, rows: readonly Row[]): void {
  for (const { file, group, chart, lines } of plots) {
    const series = seriesOf(
      rows.filter((row) => row.group === group && row.plot && row.failures === 0),
      lines,
    )
    if (series.every(({ points }) => points.length < 2)) continue
    mkdirSync(join(directory, name), { recursive: true })
    writeFileSync(join(directory, name, `${file}.svg`), drawLineChart({ ...chart, series }))
  }
}

function seriesOf(rows: readonly Row[], lines: Plot['lines']): Series[] {
  const bySeries = Map.groupBy(rows, ({ plot }) => plot!.series)
  return Array.from(bySeries.entries()).flatMap(([name, own], colour) =>
    Object.entries(lines).map(([line, value], index) => ({
      name: `${name} ${line}`.trim(),
      colour,
      isDashed: index > 0,
      points: own.map((row) => ({ x: row.plot!.x, y: value(row) })),
    })),
  )
}

/** What may have been drawn of a group. */
export function plotFiles(group: Group): { file: string; title: string }[] {
  return plots
    .filter((plot) => plot.group === group)
    .map(({ file, chart }) => ({ file: `${file}.svg`, title: chart.title }))
}
