import { type LineNumber, type ResultName, scorecard } from '../../reliability/scorecard.ts'
import { slugOf } from '../../test/docs/markdown.ts'
import type { KeptResult } from '../../test/support/reliability.ts'
import { table } from '../markdown-table.ts'

type Line = (typeof scorecard)[number]
type Kept = ReadonlyMap<ResultName, KeptResult>

/** The part of docs/reliability.md that is made of results: the table of all lines, and then what was seen, by line. */
export function reliabilityPage(results: readonly KeptResult[]): string {
  const kept: Kept = new Map(results.map((result) => [result.name, result]))
  const known = new Set(scorecard.flatMap((line): readonly ResultName[] => line.results))
  const strangers = results.filter(({ name }) => !known.has(name)).map(({ name }) => name)
  if (strangers.length > 0) throw new Error(`in no line of reliability/scorecard.ts: ${strangers.join(', ')}`)
  return `## Scorecard

${table(
  ['line', 'tested', 'passes if', 'result', 'on', 'shown by'],
  scorecard.map((line) => row(line, kept)),
)}

${scorecard.map((line) => section(line, kept)).join('\n')}`
}

function row(line: Line, kept: Kept): string[] {
  const there = resultsOf(line, kept)
  // Of several days the first: nothing of the line is older.
  const [date = ''] = there.map((result) => result.date).sort()
  const links = there.map(({ name }) => `[${name}](#${slugOf(name)})`)
  const link = `[${line.line}](#line-${line.line})`
  return [link, line.tested, line.passes, stateOf(line, kept), date, links.join(', ')]
}

function resultsOf({ results }: Line, kept: Kept): KeptResult[] {
  return results.flatMap((name) => kept.get(name) ?? [])
}

/** Kept only if all that shows it was run. */
function stateOf(line: Line, kept: Kept): string {
  const there = resultsOf(line, kept)
  if (there.some(({ passed }) => !passed)) return '**BROKEN**'
  if (there.length === 0) return 'not run'
  const missing = line.results.filter((name) => !kept.has(name))
  return missing.length === 0 ? 'kept' : `not run: ${missing.join(', ')}`
}

function section(line: Line, kept: Kept): string {
  const commands = line.commands.map((command) => `- \`${command}\`\n`)
  // What several lines show stands with the first of them.
  const there = resultsOf(line, kept)
  const own = there.filter(({ name }) => firstLineOf(name) === line.line)
  const others = there
    .filter((result) => !own.includes(result))
    .map(({ name }) => `- see [${name}](#${slugOf(name)})\n`)
  const said = commands.length > 0 ? `run by \`npm run reliability -- --run ${line.line}\`:` : 'no command runs it yet.'
  const head = `## Line ${line.line}\n\n${line.tested}: ${stateOf(line, kept)}; ${said}\n`
  return [head, commands.join(''), others.join(''), ...own.map(described)].filter((text) => text !== '').join('\n')
}

function firstLineOf(wanted: ResultName): LineNumber | undefined {
  return scorecard.find(({ results }) => (results as readonly ResultName[]).includes(wanted))?.line
}

function described({ name, promise, test, passed, runs, result, date }: KeptResult): string {
  return `### ${name}

${passed ? 'Kept' : '**BROKEN**'}: ${promise}.

- shown by: \`${test}\`
- done: ${runs}
- result: ${result}
- on: ${date}
`
}
