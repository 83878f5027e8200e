import type { Distribution, Family, Metric, Sample } from './metric.ts'
import { metricTable } from './table.ts'

/** Families that share labels: those of one process, or of the store. */
export interface FamilyGroup {
  labels: Readonly<Record<string, string>>
  families: readonly Family[]
}

/**
 * Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/. A metric stands in one piece,
 * whoever told of it, in the order of the table; one that the table does not have is left out.
 */
export function writeExposition(groups: readonly FamilyGroup[]): string {
  const lines: string[] = []
  for (const metric of metricTable) {
    const before = lines.length
    for (const { labels, families } of groups) {
      for (const family of families) {
        if (family.metric !== metric.name) continue
        for (const sample of family.samples) pushSample(lines, metric, sample, Object.entries(labels))
      }
    }
    if (lines.length === before) continue
    lines.splice(before, 0, `# HELP ${metric.name} ${escapeHelp(metric.about)}`, `# TYPE ${metric.name} ${metric.type}`)
  }
  return `${lines.join('\n')}\n`
}

type LabelPair = readonly [name: string, value: string]

function pushSample(lines: string[], metric: Metric, { labels, value }: Sample, more: readonly LabelPair[]): void {
  const own = [...more, ...metric.labels.map((name, index) => [name, labels[index] ?? ''] as const)]
  if (typeof value === 'number') lines.push(`${metric.name}${writeLabels(own)} ${writeNumber(value)}`)
  else pushDistribution(lines, metric, own, value)
}

/** Buckets are cumulative in the text. */
function pushDistribution(lines: string[], metric: Metric, own: readonly LabelPair[], value: Distribution): void {
  const { name, bounds } = metric
  let count = 0
  value.counts.forEach((more, bucket) => {
    count += more
    const bound = bucket < bounds.length ? String(bounds[bucket]) : '+Inf'
    lines.push(`${name}_bucket${writeLabels([...own, ['le', bound]])} ${count}`)
  })
  lines.push(`${name}_sum${writeLabels(own)} ${writeNumber(value.sum)}`, `${name}_count${writeLabels(own)} ${count}`)
}

function writeLabels(pairs: readonly LabelPair[]): string {
  return pairs.length === 0 ? '' : `{${pairs.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`
}

function writeNumber(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : `${value > 0 ? '+' : '-'}Inf`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
