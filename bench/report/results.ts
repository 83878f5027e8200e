import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Row } from '../measure.ts'
import { describeCommit, describeMachine, type Machine } from './machine.ts'

/** What one run of a benchmark left. */
export interface Results {
  machine: Machine
  commit: string
  /** The day, UTC. */
  date: string
  scale: string
  warmUpSeconds: number
  seconds: number
  /** In the bucket, where one bucket's size is what it is about. */
  keys?: number
  rows: Row[]
}

export const RESULTS = fileURLToPath(new URL('../results/', import.meta.url))

/** Writes `file` (without its ending) of the results called `name`: a row a line, so that two of them compare. */
export function saveResults(
  { directory, name, file }: { directory: string; name: string; file: string },
  results: Omit<Results, 'machine' | 'commit' | 'date'>,
): void {
  const { rows, ...rest } = results
  const head = {
    machine: describeMachine(),
    commit: describeCommit(),
    date: new Date().toISOString().slice(0, 10),
    ...rest,
  }
  const lines = rows.map((row) => `  ${JSON.stringify(row, rounded)}`)
  mkdirSync(join(directory, name), { recursive: true })
  const text = `${JSON.stringify(head, null, 1).slice(0, -2)},\n "rows": [\n${lines.join(',\n')}\n ]\n}\n`
  writeFileSync(join(directory, name, `${file}.json`), text)
}

/** undefined: there is none. */
export function loadResults(directory: string, file: string): Results | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, `${file}.json`), 'utf8')) as Results
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Four digits that count: more would be noise. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}
