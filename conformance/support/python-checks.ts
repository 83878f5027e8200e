import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { openClientSuite } from './client-suite.ts'
import { awsEnvironment, findProgram } from './program.ts'
import type { Suite } from './suite.ts'

/** A script of `clients/`, written with checks.py. */
export interface PythonChecks {
  script: string
  /** So that none can go missing unseen. */
  count: number
  /** The virtual environment that has its libraries. */
  environment?: 'data'
  env?: NodeJS.ProcessEnv
  /** By https: most clients send bodies otherwise there. */
  byTls?: boolean
}

interface Result {
  name: string
  ok: boolean
  why: string
}

/** Runs the script on a bucket of its own; each of its checks is a test. */
export async function runPythonChecks(t: Test, checks: PythonChecks): Promise<void> {
  const { script, count, env, byTls } = checks
  const python = findProgram('python3', checks.environment)
  const environment = ({ target }: Suite, home: string) => ({ ...awsEnvironment(target, home), ...env })
  const suite = await openClientSuite(t, python, environment, { byTls })
  const ran = await suite.attempt([fileURLToPath(new URL(`../clients/${script}`, import.meta.url)), suite.bucket])
  const lines = ran.stdout.toString().trim().split('\n').filter(Boolean)
  const results = lines.map((line) => JSON.parse(line) as Result)

  t.test(`${script}: all checks ran to the end`, async (t) => {
    t.equal(ran.code, 0, ran.stderr)
    t.equal(results.length, count)
  })
  for (const { name, ok, why } of results)
    t.test(name, async (t) => {
      t.ok(ok, why || 'as expected')
    })
}
