import { delimiter } from 'node:path'
import type { Test } from 'tap'
import type { Ran } from '../../conformance/support/program.ts'

/** This machine's settings without what a test runner, an npm script or this repository has put in. */
export function newcomerEnvironment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(SEXTANT_|DATABASE_URL|AWS_|NODE_|TAP|npm_(?!config_)|npm_config_local_prefix)/.test(name),
  )
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules'))
  return { ...Object.fromEntries(own), PATH: path.join(delimiter), AWS_EC2_METADATA_DISABLED: 'true' }
}

/** With what it said, if it did not. */
export function succeeded(t: Test, { code, stdout, stderr }: Ran, name: string): void {
  t.equal(code, 0, name, { stdout: stdout.toString().slice(-2000), stderr: stderr.slice(-2000) })
}
