import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { renderPage } from './report/page.ts'
import { RESULTS } from './report/results.ts'

/**
 * `npm run bench:page -- [NAME] [--check]`: writes the results called NAME into docs/performance.md, between its marks;
 * without a name, those that the page shows already. With --check, fails if the page is not what it would write.
 */
const file = fileURLToPath(new URL('../docs/performance.md', import.meta.url))
const args = process.argv.slice(2)
const page = readFileSync(file, 'utf8')
const wanted = renderPage(page, { resultsDirectory: RESULTS, name: args.find((arg) => !arg.startsWith('--')) })
if (!args.includes('--check')) writeFileSync(file, wanted)
else if (page !== wanted) {
  console.error('docs/performance.md is not what bench/results says: run `npm run bench:page`.')
  process.exitCode = 1
}
