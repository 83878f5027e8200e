import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { KeptResult } from '../test/support/reliability.ts'
import { reliabilityPage } from './reliability/page.ts'
import { runLines } from './reliability/run-lines.ts'

/**
 * `npm run reliability`: writes the scorecard of docs/reliability.md from what suites left in reliability/results. With
 * `--run 5 14` it runs all that shows these lines before that. With --check it writes nothing, and fails where the page
 * differs.
 */
const PAGE = 'docs/reliability.md'
const RESULTS = 'reliability/results'
const BEGIN = '<!-- The rest is written by `npm run reliability`. -->\n'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { run: { type: 'boolean', default: false }, check: { type: 'boolean', default: false } },
})

if (values.run) {
  const failed = runLines(positionals, RESULTS)
  for (const command of failed) console.error(`failed: ${command}`)
  if (failed.length > 0) process.exitCode = 1
}

const page = readFileSync(PAGE, 'utf8')
const head = page.slice(0, page.indexOf(BEGIN) + BEGIN.length)
const wanted = `${head}\n${reliabilityPage(keptResults())}`

if (!values.check) writeFileSync(PAGE, wanted)
else if (page !== wanted) {
  console.error(`${PAGE} is not what ${RESULTS} gives: run \`npm run reliability\`.`)
  process.exitCode = 1
}

function keptResults(): KeptResult[] {
  const files = readdirSync(RESULTS).filter((name) => name.endsWith('.json'))
  return files.map((name) => JSON.parse(readFileSync(`${RESULTS}/${name}`, 'utf8')) as KeptResult)
}
