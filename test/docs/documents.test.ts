import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { partLossRate, storeLossRate } from '../../scripts/durability/model.ts'
import { makeProgram } from '../../src/cli/main.ts'
import { commandsIn, refusalOf } from './command-lines.ts'
import { anchorsOf, linksOf } from './markdown.ts'

/** What documents say that can be held against the code. Each test lists every offender. (Settings: test/tidy.test.ts.) */
const root = fileURLToPath(new URL('../..', import.meta.url))
const LEFT_OUT = new Set(['node_modules', '.git', '.tap', 'dist', 'data'])
const documents = new Map(walk(root).map((path) => [path, readFileSync(path, 'utf8')]))

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (LEFT_OUT.has(entry.name)) return []
    if (entry.isDirectory()) return walk(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

function brokenLink(document: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#', 2)
  const file = path === '' ? document : resolve(dirname(document), decodeURIComponent(path))
  const isThere = statSync(file, { throwIfNoEntry: false })
  if (!isThere) return 'no such file'
  if (anchor === undefined || anchor === '') return undefined
  const text = documents.get(file)
  return text !== undefined && anchorsOf(text).has(anchor) ? undefined : 'no such heading'
}

t.test('documents: every relative link leads to a file, and to a heading that it has', async (t) => {
  const broken: string[] = []
  let count = 0
  for (const [document, text] of documents) {
    for (const { target, line } of linksOf(text)) {
      if (/^[a-z]+:/.test(target)) continue
      count += 1
      const why = brokenLink(document, target)
      if (why) broken.push(`${relative(root, document)}:${line}: ${target}: ${why}`)
    }
  }
  t.same(broken, [])
  t.ok(count > 100)
})

t.test('documents: every page of docs/ is in its index', async (t) => {
  const index = join(root, 'docs', 'README.md')
  const linked = new Set(linksOf(documents.get(index)!).map(({ target }) => resolve(dirname(index), target)))
  const pages = [...documents.keys()].filter((path) => dirname(path) === dirname(index) && path !== index)
  t.same(
    pages.filter((path) => !linked.has(path)).map((path) => relative(root, path)),
    [],
  )
  t.ok(linksOf(documents.get(join(root, 'README.md'))!).some(({ target }) => target === 'docs/README.md'))
})

t.test('documents: every `sextant …` that is shown is a command with such options', async (t) => {
  const program = makeProgram()
  const wrong: string[] = []
  let count = 0
  for (const [document, text] of documents) {
    for (const shown of commandsIn(text)) {
      count += 1
      const why = refusalOf(program, shown)
      if (why) wrong.push(`${relative(root, document)}:${shown.line}: sextant ${shown.words.join(' ')}: ${why}`)
    }
  }
  t.same(wrong, [])
  t.ok(count > 60)
  const made = (text: string) => refusalOf(program, commandsIn(`\`\`\`sh\n${text}\n\`\`\``)[0]!)
  t.equal(made('sextant nodes list'), 'no command nodes')
  t.equal(made('sextant node lost'), 'no such subcommand')
  t.equal(made('npx sextant node drain'), 'arguments are missing')
  t.equal(made('npx sextant fsck --repair'), 'no option --repair')
})

t.test('docs/durability.md has the table that `npm run durability` prints', async (t) => {
  const { stdout } = spawnSync(process.execPath, [join(root, 'scripts', 'durability.ts')], { encoding: 'utf8' })
  const rows = (text: string) => text.split('\n').filter((line) => /^\| \d+ /.test(line.replace(/ +/g, ' ')))
  const plain = (line: string) => line.replace(/ +/g, ' ')
  const printed = rows(stdout).map(plain)
  t.ok(printed.length > 10)
  t.same(rows(documents.get(join(root, 'docs', 'durability.md'))!).map(plain), printed)
})

const isAbout = (found: number, wanted: number) => Math.abs(found / wanted - 1) < 1e-9

/** mulberry32 */
function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How often, in so many years of servers that fail by chance and are made good after T, more chunks than parity are away. */
function countLosses(
  held: readonly number[],
  parity: number,
  { years, ratePerYear, repairYears }: Record<'years' | 'ratePerYear' | 'repairYears', number>,
): number {
  const random = chance(7)
  const awayUntil = held.map(() => 0)
  let losses = 0
  for (let now = 0; now < years; ) {
    now += -Math.log(1 - random()) / (ratePerYear * held.length)
    const server = Math.floor(random() * held.length)
    const isAway = (other: number) => awayUntil[other]! > now
    const chunksAway = () => held.reduce((sum, chunks, other) => sum + (isAway(other) ? chunks : 0), 0)
    if (isAway(server)) continue
    const before = chunksAway()
    awayUntil[server] = now + repairYears
    if (before <= parity && chunksAway() > parity) losses += 1
  }
  return losses
}

t.test('the formula of docs/durability.md gives what comes of servers that fail by chance', async (t) => {
  const failures = { ratePerYear: 1, repairYears: 0.004 }
  for (const { held, years } of [
    { held: [1, 1, 1, 1, 1, 1, 1, 1], years: 200_000 },
    { held: [2, 2, 1, 1, 1, 1], years: 10_000 },
    { held: [2, 2, 2, 2], years: 10_000 },
  ]) {
    const counted = countLosses(held, 2, { years, ...failures })
    const expected = partLossRate(held, 2, failures) * years
    t.ok(expected > 300, `${held}: enough to count`)
    t.ok(Math.abs(counted / expected - 1) < 0.15, `${held}: ${counted} losses, expected ${expected.toFixed(0)}`)
  }
  t.ok(isAbout(partLossRate([1, 1, 1, 1, 1, 1, 1, 1], 2, failures), 168 * 0.004 ** 2), '168 λ³T²')
  t.ok(isAbout(storeLossRate(8, 8, 2, failures), 168 * 0.004 ** 2), 'every set of three is fatal to the one part')
})
