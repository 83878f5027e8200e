import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { drive, type LoadResult } from './support/load.ts'
import { type ProcessKind, total, type Usage, usageBetween, usageOfTree } from './support/processes.ts'
import { openTarget, type Target } from './support/target.ts'
import { type Scale, scales, type Workload, workloads } from './support/workloads.ts'

/**
 * `npm run bench -- [--scale smoke|short|full] [--only NAME,…] [--endpoint URL --pid PID] [--save NAME]`
 *
 * Starts a fresh store (or drives any S3 server at --endpoint, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; --pid
 * names the root of its process tree, for CPU times), runs each workload, prints a table, and saves JSON.
 */
const { values } = parseArgs({
  options: {
    scale: { type: 'string', default: 'short' },
    only: { type: 'string' },
    endpoint: { type: 'string' },
    pid: { type: 'string' },
    save: { type: 'string' },
  },
})

export interface Row extends LoadResult {
  name: string
  usage: Record<ProcessKind, Usage>
}

const scale = scales[values.scale as keyof typeof scales]
if (!scale) throw new Error(`--scale is one of ${Object.keys(scales).join(', ')}`)
await using target = await openTarget(values)
const rows: Row[] = []
for (const workload of workloads) {
  if (values.only && !values.only.split(',').includes(workload.name)) continue
  rows.push(await run(workload, target, scale))
  console.log(formatRow(rows.at(-1)!, workload))
}
if (rows.some((row) => row.failures > 0)) process.exitCode = 1
if (values.save) save(values.save, rows)

async function run(workload: Workload, { s3, pid }: Target, scale: Scale): Promise<Row> {
  const { clients, operations, prepare, request } = workload.plan(s3, scale)
  await prepare?.()
  const requests = Array.from({ length: operations }, (_, n) => request(n))
  const before = usageOfTree(pid)
  const result = await drive({ ...s3, clients, operations, request: (n) => requests[n]! })
  const usage = usageBetween(before, usageOfTree(pid))
  return { name: workload.name, ...result, usage }
}

function formatRow({ usage, ...row }: Row, { unit }: Workload): string {
  const bytes = row.bytesIn + row.bytesOut
  const cpu = total(usage)
  const perUnit = (seconds: number) =>
    unit === 'GiB'
      ? `${((seconds * 2 ** 30) / bytes).toFixed(2)} s/GiB`
      : `${((seconds * 1e6) / row.operations).toFixed(0)} µs`
  const kinds = (['gateway', 'nodes', 'postgres'] as const).map((kind) => `${kind} ${perUnit(usage[kind].cpuSeconds)}`)
  const failures = row.failures > 0 ? `  ${row.failures} FAILED: ${row.firstFailure.slice(0, 200)}` : ''
  return [
    row.name.padEnd(16),
    `${(row.operations / row.seconds).toFixed(0)}/s`.padStart(8),
    `${(bytes / 2 ** 20 / row.seconds).toFixed(1)} MiB/s`.padStart(13),
    `p50 ${row.latencyMs.p50.toFixed(1)} p90 ${row.latencyMs.p90.toFixed(1)} p99 ${row.latencyMs.p99.toFixed(1)} ms`.padEnd(
      40,
    ),
    `CPU ${perUnit(cpu.cpuSeconds)}`.padEnd(16),
    `(${kinds.join(', ')})`,
    `${(cpu.residentBytes / 2 ** 20).toFixed(0)} MiB`,
    `${row.bytesOut > 0 ? (cpu.writtenBytes / row.bytesOut).toFixed(2) : '–'} B/B`,
    failures,
  ].join('  ')
}

function save(name: string, results: Row[]): void {
  const directory = fileURLToPath(new URL('results/', import.meta.url))
  mkdirSync(directory, { recursive: true })
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, memoryBytes: totalmem(), node: process.version }
  writeFileSync(`${directory}${name}.json`, `${JSON.stringify({ machine, scale: values.scale, results }, null, 1)}\n`)
}
