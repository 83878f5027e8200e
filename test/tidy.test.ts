import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { settings } from '../src/base/config.ts'
import { operations } from '../src/s3api/operations/table.ts'

/** What no linter knows. Each test lists every offender, so that one run shows them all. */
const root = fileURLToPath(new URL('..', import.meta.url))
const LEFT_OUT = new Set(['node_modules', '.git', '.tap', 'dist', 'data'])
const LINES_MAX = 400

const files = walk(root).map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))
const source = files.filter(({ path }) => /^(src|bin)\/.*\.(ts|js)$/.test(path) && !/^(src|test)\/gen\//.test(path))

function walk(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (LEFT_OUT.has(entry.name)) return []
    if (entry.isDirectory()) return walk(path)
    return entry.isFile() &&
      /(\.[cm]?[jt]s|\.md|\.json|\.ya?ml|\.sql|\.proto|\.sh|\.service|\.cfg|\.conf|\.env|\/run|file)$/.test(path) &&
      isText(path)
      ? [path]
      : []
  })
}

function isText(path: string): boolean {
  return statSync(path).size < 2 ** 20
}

/** `path:line: text` for each line that matches, comments left out. */
function linesOf(among: typeof files, pattern: RegExp): string[] {
  return among.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const code = line.replace(/(^|\s)(\/\/|\*|\/\*).*$/, '')
      return pattern.test(code) ? [`${path}:${index + 1}: ${line.trim()}`] : []
    }),
  )
}

t.test('tidy: the environment is read by src/base/config-env.ts alone', async (t) => {
  const elsewhere = source.filter(({ path }) => !/^(src\/base\/config|bin\/)/.test(path))
  t.same(linesOf(elsewhere, /process\.env\b/), [])
})

t.test('tidy: time and chance are passed in, and made in src/base/system.ts alone', async (t) => {
  const elsewhere = source.filter(({ path }) => path !== 'src/base/system.ts')
  t.same(linesOf(elsewhere, /\bDate\.now\(|\bMath\.random\(|\bnew Date\(\)/), [])
  const simulated = source.filter(({ path }) => /^src\/(engine|upkeep|storage-node)\//.test(path))
  t.same(linesOf(simulated, /\bAbortSignal\.timeout\(|\bsetTimeout\(/), [])
})

t.test(`tidy: no file is longer than ${LINES_MAX} lines`, async (t) => {
  const code = files.filter(({ path }) => /\.(ts|js|cjs)$/.test(path) && !/^(src|test)\/gen\//.test(path))
  const long = code.filter(({ text }) => text.split('\n').length > LINES_MAX + 1)
  t.same(
    long.map(({ path, text }) => `${path}: ${text.split('\n').length}`),
    [],
  )
})

t.test('tidy: nothing is left for later, and no test runs alone', async (t) => {
  t.same(linesOf(source, /\b(TODO|FIXME|XXX|HACK)\b/), [])
  const tests = files.filter(({ path }) => path.endsWith('.test.ts') && path !== 'test/tidy.test.ts')
  t.same(linesOf(tests, /\bt\.only\(|\bonly: true\b/), [])
})

t.test('tidy: no path and no address of the machine that it was written on', async (t) => {
  // Lock files name what npm fetched; everything else is the product.
  const own = files.filter(({ path }) => path !== 'package-lock.json' && path !== 'test/tidy.test.ts')
  t.same(linesOf(own, /(^|[\s'"`(=:])\/(root|work|Users|home\/\w+)\/|\/npm\/|registry\.npmjs|pypi\.org/), [])
})

t.test('tidy: documents, compose files and units name only settings that exist', async (t) => {
  const known = new Set(settings().flatMap(([, { name, secret }]) => (secret ? [name, `${name}_FILE`] : [name])))
  const documents = files.filter(({ path }) => /(\.md|\.ya?ml|\.service|Dockerfile|^\.ci\/run)$/.test(path))
  const unknown = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\bSEXTANT_[A-Z0-9_]*[A-Z0-9]\b/g)]
      .map(([name]) => name)
      .filter((name) => !known.has(name) && !name.startsWith('SEXTANT_TEST_'))
      .map((name) => `${path}: ${name}`),
  )
  t.same(unknown, [])
})

t.test('tidy: docs/settings.md has every setting', async (t) => {
  const page = files.find(({ path }) => path === 'docs/settings.md')?.text ?? ''
  for (const [, { name, about }] of settings()) {
    t.ok(page.includes(`### \`${name}\``), name)
    t.ok(page.includes(about), `${name}: what it is`)
  }
})

t.test('tidy: every prepared statement has a name of its own', async (t) => {
  const names = files
    .filter(({ path }) => path.startsWith('src/meta/'))
    .flatMap(({ text }) => [...text.matchAll(/\bstatement\(\{\s*name: '([^']+)'/g)].map((match) => match[1]!))
  t.ok(names.length > 0, 'there are statements')
  t.same(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
  t.same(
    names.filter((name) => !/^[a-z0-9_]{1,60}_v\d+$/.test(name)),
    [],
    'named with a version; PostgreSQL cuts names at 63 bytes',
  )
})

t.test('tidy: every S3 operation has a conformance test that names it', async (t) => {
  const titles = files
    .filter(({ path }) => path.startsWith('conformance/s3/'))
    .map(({ text }) => text)
    .join('\n')
  const untested = operations.filter(({ name }) => !new RegExp(`(?:^|['"\`]|, ) *${name}\\b`, 'm').test(titles))
  t.same(
    untested.map(({ name }) => name),
    [],
  )
})
