import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { model } from '../conformance/support/s3-model.ts'
import { elementsLeftOut, headersLeftOut, operationsLeftOut, operationsToCome } from '../src/s3api/left-out.ts'
import { operations } from '../src/s3api/operations/table.ts'
import { table } from './markdown-table.ts'

/** Writes docs/s3-coverage.md from S3's model, the table of operations and the tests; with --check, fails if it would differ. */
const file = new URL('../docs/s3-coverage.md', import.meta.url)
const suites = new URL('../conformance/s3/', import.meta.url)

/** What browsers send that is no operation of the model. */
const BEYOND: Record<string, string> = {
  OPTIONS: 'what browsers ask before requests of other origins',
  PostObject: 'browsers’ forms',
}

const wanted = renderPage()
if (!process.argv.includes('--check')) writeFileSync(file, wanted)
else if (readFileSync(file, 'utf8') !== wanted) {
  console.error('docs/s3-coverage.md is not what the operations and their tests give: run `npm run docs`.')
  process.exitCode = 1
}

function renderPage(): string {
  const done = new Map(operations.map((operation) => [operation.name, operation]))
  const tests = readdirSync(suites)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => ({ name, text: readFileSync(new URL(name, suites), 'utf8') }))
  const rows = [...model.keys(), 'PostObject', 'OPTIONS'].sort().map((name) => {
    const operation = done.get(name)
    const isDone = operation !== undefined || !model.has(name)
    const note = operation?.note ?? BEYOND[name] ?? operationsLeftOut[name] ?? ''
    const isRefused = note.startsWith('refused')
    const undone = operationsToCome.has(name) ? 'to come' : 'no'
    const state = !isDone || isRefused ? undone : operation?.note ? 'in part' : 'yes'
    return [linkOf(name), state, isDone ? testsOf(name, tests) : '', note]
  })
  const count = (state: string) => rows.filter((row) => row[1] === state).length
  return `# What of S3 is done

Every operation of S3's own model, as it ships with the AWS SDK for JavaScript, and what browsers send besides:
${count('yes')} are done, ${count('in part')} in part, ${count('to come')} are to come, ${count('no')} have no place here. Those that are not done are refused with
\`NotImplemented\`, never passed over. The tests are in \`conformance/s3\`, and run against any endpoint.

This page is made by \`npm run docs\`. A test compares inputs, outputs, routes and names with the model.

${table(['operation', 'done', 'tested by', 'notes'], rows)}

## Never told

Elements of answers:

${list(elementsLeftOut)}

Headers of answers:

${list(headersLeftOut)}
`
}

function linkOf(name: string): string {
  const page = BEYOND[name] === undefined ? `API_${name}` : name === 'OPTIONS' ? 'RESTOPTIONSobject' : 'RESTObjectPOST'
  return `[${name}](https://docs.aws.amazon.com/AmazonS3/latest/API/${page}.html)`
}

/** Where the operation's name begins a test's title, or stands in a list of them. */
function testsOf(name: string, tests: readonly { name: string; text: string }[]): string {
  const pattern = new RegExp(`(?:^|['"\`]|, ) *${name}\\b`, 'm')
  const found = tests.filter(({ text }) => pattern.test(text.replace(/^import [^']*'/gm, '')))
  return found.map((test) => test.name.replace('.test.ts', '')).join(', ')
}

/** Its columns are of equal width, as the formatter has them. */

function list(reasons: Readonly<Record<string, string>>): string {
  const names = Object.entries(reasons).sort(([a], [b]) => (a < b ? -1 : 1))
  return names.map(([name, reason]) => `- \`${name}\`: ${reason}`).join('\n')
}
