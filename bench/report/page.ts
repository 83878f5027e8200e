import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row } from '../measure.ts'
import type { Group } from '../workloads/workload.ts'
import { plotFiles } from './plots.ts'
import { loadResults, type Results } from './results.ts'
import { scalingTable } from './scaling-table.ts'
import { COLUMNS, cellsOf, LEGEND, number, warningsOf } from './table.ts'

/** `<!-- results: NAME -->`, and what stands up to the second mark, is replaced. */
const MARKS = /<!-- results: ([\w.-]+) -->\n.*?<!-- end of results -->/s

/** What stands above each group's table. */
const TITLES: Readonly<Record<Group, string>> = {
  sizes: 'PUT and GET by size',
  small: 'Small objects otherwise',
  text: 'Text, for a store that compresses',
  lists: 'Listings',
  clients: 'Small objects by requests at once',
  load: 'A hundred uploads at once, a large file',
  nodes: 'The storage nodes alone',
  database: 'The database alone',
  listing: 'Many keys in one bucket',
  scaling: 'More gateways',
}

/** The page with the results called `name` in it, or with those that it names itself. */
export function renderPage(
  page: string,
  { resultsDirectory, name }: { resultsDirectory: string; name?: string | undefined },
): string {
  const found = MARKS.exec(page)
  if (!found) throw new Error('the page has no marks for results')
  const shown = name ?? found[1]!
  const body = renderResults(join(resultsDirectory, shown), `../bench/results/${shown}`)
  return page.replace(MARKS, () => `<!-- results: ${shown} -->\n\n${body}\n\n<!-- end of results -->`)
}

function renderResults(directory: string, link: string): string {
  const s3 = loadResults(directory, 's3')
  if (!s3) throw new Error(`${directory} holds no results: npm run bench -- --save`)
  const listing = loadResults(directory, 'listing')
  const scaling = loadResults(directory, 'scaling')
  const micro = join(directory, 'micro.txt')
  const groups = Map.groupBy(s3.rows, ({ group }) => group)
  return [
    describe(s3),
    ...Array.from(groups, ([group, rows]) => renderGroup(group, rows, { directory, link })),
    ...(listing ? [renderListing(listing)] : []),
    ...(scaling ? [renderScaling(scaling)] : []),
    ...(existsSync(micro) ? [`### Micro-benchmarks\n\n\`\`\`text\n${readFileSync(micro, 'utf8').trim()}\n\`\`\``] : []),
  ].join('\n\n')
}

function describe({ machine, commit, date, scale, warmUpSeconds, seconds, rows }: Results): string {
  const { cpu, cores, memoryGib, kernel, node, fileSystem, syncMs } = machine
  return `${date}, commit ${commit}, \`--scale ${scale}\` (${warmUpSeconds} s of warm-up, about ${seconds} s timed): ${cores} cores of
${cpu}, ${memoryGib} GiB, ${kernel}, Node ${node}; ${fileSystem}, where an append of 4 KiB with fdatasync takes ${syncMs} ms.
Load generator, gateway, six nodes and PostgreSQL share these cores.${noteOf(rows, cores)}

${LEGEND}`
}

/** Of rows that cannot be trusted. */
function noteOf(rows: readonly Row[], cores: number): string {
  const spoilt = rows.filter((row) => warningsOf(row, cores).length > 0).length
  if (spoilt === 0) return ''
  return `\n\nOther programs had more than a tenth of the machine during ${spoilt} of ${rows.length} rows: those are slower than they would be.`
}

function renderGroup(
  group: Group,
  rows: readonly Row[],
  { directory, link }: { directory: string; link: string },
): string {
  const plots = plotFiles(group)
    .filter(({ file }) => existsSync(join(directory, file)))
    .map(({ file, title }) => `![${title}](${link}/${file})`)
  const table = markdownTable([[...COLUMNS], ...rows.map((row) => cellsOf(row))])
  return [`### ${TITLES[group]}`, table, ...plots].join('\n\n')
}

function renderScaling({ machine, rows }: Results): string {
  const about = `Operations a second of one gateway process, the cores that were busy then (of ${machine.cores}), and what other set-ups make of it.`
  return `### ${TITLES.scaling}\n\n${about}${noteOf(rows, machine.cores)}\n\n${markdownTable(scalingTable(rows))}`
}

function renderListing({ machine, date, commit, keys, rows }: Results): string {
  const slowest = number(Math.max(...rows.map(({ latencyMs }) => latencyMs.p50)))
  const about = `ListObjectsV2 in a bucket of ${keys} keys, half of them in one folder (${date}, commit ${commit}): the slowest median is ${slowest} ms.`
  const table = markdownTable([[...COLUMNS], ...rows.map((row) => cellsOf(row))])
  return `### ${TITLES.listing}\n\n${about}${noteOf(rows, machine.cores)}\n\n${table}`
}

/** The first column stands left, all others right; padded, so that the source reads as a table too. */
function markdownTable([head, ...body]: readonly string[][]): string {
  const rows = [head!, ...body]
  const widths = head!.map((_, column) => Math.max(3, ...rows.map((cells) => cells[column]!.length)))
  const lineOf = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`
  return [lineOf(head!), rule, ...body.map(lineOf)].join('\n')
}
