import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { ReliabilityResult } from '../test/support/reliability.ts'

/**
 * `npm run reliability`: writes the table of docs/reliability.md from what suites left in reliability/results.
 * With --check it writes nothing, and fails where the page differs.
 */
const PAGE = 'docs/reliability.md'
const RESULTS = 'reliability/results'
const BEGIN = '<!-- The rest is written by `npm run reliability`. -->\n'

const files = existsSync(RESULTS) ? readdirSync(RESULTS).filter((name) => name.endsWith('.json')) : []
const results = files.sort().map((name) => JSON.parse(readFileSync(`${RESULTS}/${name}`, 'utf8')) as Kept)
const page = readFileSync(PAGE, 'utf8')
const head = page.slice(0, page.indexOf(BEGIN) + BEGIN.length)
const wanted = `${head}\n${results.map(section).join('\n')}`

if (!process.argv.includes('--check')) writeFileSync(PAGE, wanted)
else if (page !== wanted) {
  console.error(`${PAGE} is not what ${RESULTS} gives: run \`npm run reliability\`.`)
  process.exitCode = 1
}

interface Kept extends ReliabilityResult {
  /** The day, UTC. */
  date: string
}

function section({ name, promise, test, passed, runs, result, date }: Kept): string {
  return `## ${name}: ${passed ? 'kept' : 'BROKEN'}

${promise}.

- shown by: \`${test}\`
- done: ${runs}
- result: ${result}
- on: ${date}
`
}
