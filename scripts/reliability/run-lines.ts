import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ResultName, scorecard } from '../../reliability/scorecard.ts'
import { resultFile } from '../../test/support/reliability.ts'

/**
 * Runs all that shows these lines, one after the other, each to leave its result in `directory`. Results of before go first:
 * a suite that ends half-way has shown nothing. Answers the commands that failed.
 */
export function runLines(numbers: readonly string[], directory: string): string[] {
  const chosen = scorecard.filter(({ line }) => numbers.includes(String(line)))
  const lines = chosen.map(({ line }) => String(line))
  const unknown = numbers.filter((number) => !lines.includes(number))
  if (unknown.length > 0) throw new Error(`no such line: ${unknown.join(', ')}; there are 1 to ${scorecard.length}`)
  for (const name of chosen.flatMap((line): readonly ResultName[] => line.results)) {
    rmSync(resultFile(directory, name), { force: true })
  }
  const commands = new Set(chosen.flatMap((line): readonly string[] => line.commands))
  return [...new Set(['tap build', ...commands])].filter((command) => {
    console.log(`== ${command}`)
    const env = { ...process.env, SEXTANT_TEST_RESULTS: resolve(directory) }
    return spawnSync(command, { shell: true, stdio: 'inherit', env }).status !== 0
  })
}
