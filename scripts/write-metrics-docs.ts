import { readFileSync, writeFileSync } from 'node:fs'
import type { Metric } from '../src/metrics/metric.ts'
import { processTable, storeTable } from '../src/metrics/table.ts'

/** Writes docs/metrics.md from the table of metrics; with --check, fails if it is not what it would write. */
const file = new URL('../docs/metrics.md', import.meta.url)
const wanted = renderMetrics()
if (!process.argv.includes('--check')) writeFileSync(file, wanted)
else if (readFileSync(file, 'utf8') !== wanted) {
  console.error('docs/metrics.md is not what src/metrics says: run `npm run docs`.')
  process.exitCode = 1
}

function renderMetrics(): string {
  return `# Metrics

Every metric that \`/metrics\` may show; docs/monitoring.md says how to use them. One that there is nothing to say of yet is left
out: no request, no series. Times are in seconds, sizes in bytes. Labels have few values: none ever holds a key, a bucket or a
client.

This page is made of the tables in \`src/metrics\` by \`npm run docs\`.

# Of the whole store

The same from every gateway that is asked. Those under «Safety of the data» and «PostgreSQL» were gathered up to
\`SEXTANT_REPORT_PERIOD_SECONDS\` ago.

${renderTable(storeTable)}

# Of one process

With the label \`process\` besides those that are named: \`gateway-1\`, \`node-3\`.

${renderTable(processTable)}
`
}

function renderTable(table: readonly Metric[]): string {
  const groups = Map.groupBy(table, ({ group }) => group)
  return Array.from(groups, ([group, rows]) => `## ${group}\n\n${rows.map(renderMetric).join('\n\n')}`).join('\n\n')
}

function renderMetric({ name, type, labels, bounds, about }: Metric): string {
  const facts = [
    type,
    ...(labels.length > 0 ? [`by ${labels.map((label) => `\`${label}\``).join(', ')}`] : []),
    ...(bounds.length > 0 ? [`buckets up to ${bounds.join(', ')}`] : []),
  ]
  return `### \`${name}\`\n\n${about}\n\n- ${facts.join('; ')}`
}
