import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ResultName } from '../../reliability/scorecard.ts'

/** What one suite showed of one promise: a section of docs/reliability.md (scripts/write-reliability.ts). */
export interface ReliabilityResult {
  /** Of the section, and of its file; reliability/scorecard.ts says to which lines it belongs. */
  name: ResultName
  promise: string
  /** The file that shows it. */
  test: string
  passed: boolean
  /** What was done, and how often. */
  runs: string
  /** What came of it, in numbers. */
  result: string
}

export interface KeptResult extends ReliabilityResult {
  /** The day, UTC. */
  date: string
}

/** Kept where SEXTANT_TEST_RESULTS says, nowhere if it does not. */
export async function saveResult(result: ReliabilityResult): Promise<void> {
  const directory = process.env.SEXTANT_TEST_RESULTS
  if (directory === undefined) return
  await mkdir(directory, { recursive: true })
  const kept: KeptResult = { ...result, date: new Date().toISOString().slice(0, 10) }
  await writeFile(resultFile(directory, result.name), `${JSON.stringify(kept, null, 2)}\n`)
}

export function resultFile(directory: string, name: ResultName): string {
  return join(directory, `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`)
}
