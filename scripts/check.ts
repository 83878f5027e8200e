import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** `npm run check`: everything that reads the code without running it. All steps run, also after one failed. */
interface Step {
  name: string
  run(): boolean
}

const steps: readonly Step[] = [
  { name: 'biome: format and lint', run: () => tool('biome', 'check', '--error-on-warnings', '.') },
  { name: 'tsc: types', run: () => tool('tsc', '--noEmit') },
  {
    name: 'dependency-cruiser: what each room may import',
    run: () => tool('depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'conformance'),
  },
  { name: 'knip: unused files, exports and packages', run: () => tool('knip', '--no-progress') },
  { name: 'jscpd: code written twice', run: () => tool('jscpd', '--config', '.jscpd.json', 'src') },
  { name: 'buf: src/gen and test/gen are what proto/ gives', run: checkGenerated },
  {
    name: 'docs/settings.md is what the table of settings gives',
    run: () => script('write-settings-docs.ts', '--check'),
  },
  {
    name: 'docs/command-line.md is what the commands give',
    run: () => script('write-command-line.ts', '--check'),
  },
  {
    name: 'docs/errors.md is what the table of errors gives',
    run: () => script('write-errors.ts', '--check'),
  },
  {
    name: 'docs/metrics.md is what the tables of metrics give',
    run: () => script('write-metrics-docs.ts', '--check'),
  },
  {
    name: 'the dashboard is what scripts/dashboard gives',
    run: () => script('write-dashboard.ts', '--check'),
  },
  {
    name: 'docs/s3-coverage.md is what the operations and their tests give',
    run: () => script('write-s3-coverage.ts', '--check'),
  },
  {
    name: 'docs/reliability.md is what reliability/results gives',
    run: () => script('write-reliability.ts', '--check'),
  },
]

const failed = steps.filter((step) => !timed(step)).map(({ name }) => name)
for (const name of failed) console.error(`failed: ${name}`)
process.exitCode = failed.length === 0 ? 0 : 1

function timed({ name, run }: Step): boolean {
  const startedMs = performance.now()
  console.log(`== ${name}`)
  const ok = run()
  console.log(`${ok ? 'ok' : 'FAILED'} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`)
  return ok
}

function tool(name: string, ...args: string[]): boolean {
  return spawnSync(join('node_modules', '.bin', name), args, { stdio: 'inherit' }).status === 0
}

function script(name: string, ...args: string[]): boolean {
  return spawnSync(process.execPath, [join('scripts', name), ...args], { stdio: 'inherit' }).status === 0
}

/** Generates into a copy of the tree's few inputs, and compares file by file. */
function checkGenerated(): boolean {
  const scratch = mkdtempSync(join(tmpdir(), 'sextant-gen-'))
  try {
    for (const input of ['proto', 'buf.yaml', 'buf.gen.yaml']) cpSync(input, join(scratch, input), { recursive: true })
    const path = `${join(process.cwd(), 'node_modules', '.bin')}:${process.env.PATH}`
    const made = spawnSync('buf', ['generate'], { cwd: scratch, stdio: 'inherit', env: { ...process.env, PATH: path } })
    return made.status === 0 && ['src/gen', 'test/gen'].every((tree) => isSameTree(tree, join(scratch, tree)))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function isSameTree(kept: string, made: string): boolean {
  const files = new Set([...filesOf(kept), ...filesOf(made)])
  const different = [...files].filter((file) => contentOf(join(kept, file)) !== contentOf(join(made, file)))
  for (const file of different) console.error(`src/gen/${file} differs: run \`npm run generate\`.`)
  return different.length === 0
}

function filesOf(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
