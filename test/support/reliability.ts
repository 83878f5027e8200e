import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What one suite showed of one promise: a line of docs/reliability.md (scripts/write-reliability.ts). */
export interface ReliabilityResult {
  /** Of the line, and of its file. */
  name: string
  promise: string
  /** The file that shows it. */
  test: string
  passed: boolean
  /** What was done, and how often. */
  runs: string
  /** What came of it, in numbers. */
  result: string
}

/** Kept where SEXTANT_TEST_RESULTS says, nowhere if it does not. */
export async function saveResult(result: ReliabilityResult): Promise<void> {
  const directory = process.env.SEXTANT_TEST_RESULTS
  if (directory === undefined) return
  await mkdir(directory, { recursive: true })
  const file = `${result.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.json`
  const date = new Date().toISOString().slice(0, 10)
  await writeFile(join(directory, file), `${JSON.stringify({ ...result, date }, null, 2)}\n`)
}
