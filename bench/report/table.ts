import { cpus } from 'node:os'
import type { Row } from '../measure.ts'
import { type ProcessKind, total } from '../store/processes.ts'

/** Columns of a row; the first one stands left, all others right. */
export const COLUMNS = [
  'workload',
  'clients',
  'op/s',
  'MiB/s',
  'p50 ms',
  'p90 ms',
  'p99 ms',
  'CPU',
  'of it',
  'load',
  'MiB',
  'sync/op',
  'B/B',
] as const

/** What the columns mean, for whoever reads the table alone. */
export const LEGEND =
  'CPU: of the server, µs an operation or s a GiB; load: of the load generator. MiB: resident. sync/op: fsync and ' +
  'fdatasync calls an operation. B/B: bytes written to disk for each byte uploaded.'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** In the order in which they are shown; `sextant up` itself does nothing. */
const SHORT: Partial<Record<ProcessKind, string>> = {
  balancer: 'lb',
  gateway: 'gw',
  nodes: 'nodes',
  postgres: 'pg',
  server: 'server',
}

const WIDTHS = [30, 7, 7, 7, 8, 8, 8, 11, 40, 11, 6, 7, 6]

/** The row, and what spoils it, on the terminal. */
export function printRow(row: Row): void {
  printCells(cellsOf(row))
  for (const warning of warningsOf(row, cpus().length)) console.log(`  ${warning}`)
}

export function printCells(cells: readonly string[]): void {
  const padded = cells.map((cell, index) => (index === 0 ? cell.padEnd(WIDTHS[0]!) : cell.padStart(WIDTHS[index]!)))
  console.log(padded.join(' '))
}

export function cellsOf(row: Row): string[] {
  const { usage, latencyMs, seconds } = row
  const all = total(usage)
  const isKnown = all.processes > 0
  const bytes = row.bytesIn + row.bytesOut
  const kinds = Object.entries(SHORT).flatMap(([kind, short]) => {
    const one = usage[kind as ProcessKind]
    return one ? [`${short} ${number(perUnit(row, one.cpuSeconds))}`] : []
  })
  return [
    row.name,
    String(row.clients),
    number(row.operations / seconds),
    bytes > 0 ? number(bytes / MIB / seconds) : '–',
    number(latencyMs.p50),
    number(latencyMs.p90),
    number(latencyMs.p99),
    isKnown ? cpuOf(row, all.cpuSeconds) : '–',
    kinds.join(', ') || '–',
    cpuOf(row, row.loadCpuSeconds),
    isKnown ? number(all.residentBytes / MIB) : '–',
    syncsOf(row),
    isKnown && row.bytesOut > 0 ? number(all.writtenBytes / row.bytesOut) : '–',
  ]
}

/** Of the machine: above, other programs made the row slower than it would be. */
const OTHERS_MAX = 0.1

/** What spoils a row, if anything does. */
export function warningsOf(row: Row, cores: number): string[] {
  const others = total(row.usage).processes > 0 ? row.otherCpuSeconds / row.seconds / cores : 0
  return [
    ...(row.failures > 0 ? [`${row.failures} FAILED: ${row.firstFailure.slice(0, 300)}`] : []),
    ...(others > OTHERS_MAX ? [`other programs had ${(others * 100).toFixed(0)} % of the machine`] : []),
  ]
}

function perUnit({ unit, operations, bytesIn, bytesOut }: Row, seconds: number): number {
  return unit === 'GiB' ? (seconds * GIB) / (bytesIn + bytesOut) : (seconds * 1e6) / operations
}

function cpuOf(row: Row, seconds: number): string {
  return `${number(perUnit(row, seconds))} ${row.unit === 'GiB' ? 's/GiB' : 'µs'}`
}

function syncsOf({ syncsPerOperation }: Row): string {
  if (!syncsPerOperation) return '–'
  return number(Object.values(syncsPerOperation).reduce((sum, one) => sum + one, 0))
}

/** Three digits that count, no more. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–'
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
