import { readFileSync } from 'node:fs'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import type { Level } from '../../src/cli/doctor/check.ts'
import { type DoctorOrder, makeContext } from '../../src/cli/doctor/context.ts'
import { checks, runCheck } from '../../src/cli/doctor/run.ts'

/** What one check of `sextant doctor` finds with these settings: `failure: …`, a line each. */
export async function diagnose(
  name: string,
  env: Record<string, string>,
  more: Partial<DoctorOrder> = {},
): Promise<string[]> {
  const context = makeContext({
    gateways: [],
    env,
    readFile: (path) => readFileSync(path, 'utf8'),
    clock: systemClock,
    random: systemRandom,
    nodeVersion: process.versions.node,
    ...more,
  })
  const check = checks.find((each) => each.name === name)
  if (!check) throw new Error(`there is no check ${name}`)
  return (await runCheck(check, context)).map(({ level, message }) => `${level}: ${message}`)
}

/** Whether a check found just this. */
export function isAll(level: Level, found: readonly string[]): boolean {
  return found.length > 0 && found.every((line) => line.startsWith(`${level}: `))
}
