import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/**
 * `npm run chaos -- [--full | --long] [--seed N] [--jobs N] [--save DIRECTORY] [SCENARIO…]`: real processes under
 * faults, one scenario after the other, or N at once; all of them, if none is named. --save leaves what they showed as JSON, for `npm run reliability`.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    full: { type: 'boolean', default: false },
    long: { type: 'boolean', default: false },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    save: { type: 'string' },
  },
})
const root = new URL('../../', import.meta.url)
const scenarios = readdirSync(new URL('test/chaos/scenarios/', root)).map((file) => file.replace(/\.ts$/, ''))
const unknown = positionals.filter((name) => !scenarios.includes(name))
if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}; there are ${scenarios.join(', ')}`)
const chosen = positionals.length > 0 ? positionals : scenarios

const form = values.long ? 'long' : values.full ? 'full' : 'short'
const SECONDS_MAX = { short: 600, full: 2 * 3600, long: 24 * 3600 }[form]
const tap = fileURLToPath(new URL('node_modules/.bin/tap', root))
const files = chosen.map((name) => `test/chaos/scenarios/${name}.ts`)
const child = spawn(
  process.execPath,
  [tap, '--reporter=terse', `--jobs=${values.jobs}`, `--timeout=${SECONDS_MAX}`, ...files],
  {
    cwd: fileURLToPath(root),
    stdio: 'inherit',
    env: {
      ...process.env,
      SEXTANT_TEST_CHAOS: form,
      ...(values.seed && { SEXTANT_TEST_SEED: values.seed }),
      ...(values.save && { SEXTANT_TEST_RESULTS: values.save }),
    },
  },
)
const [code] = (await once(child, 'exit')) as [number | null]
process.exitCode = code ?? 1
