import type { Setting } from './config-setting.ts'
import { type Settings, settingTable } from './config-table.ts'

export type { Setting } from './config-setting.ts'
export type { Settings } from './config-table.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Where settings come from; passed in, so that a test needs no process of its own. */
export interface ConfigSource {
  env: Environment
  /** Reads what a `…_FILE` variable names. */
  readFile(path: string): string
}

export type Origin = 'environment' | 'file' | 'default' | 'not set'

export interface ReadSetting {
  key: keyof Settings
  setting: Setting<unknown>
  /** As it stands in the environment, the file or the table. */
  written: string | undefined
  value: unknown
  origin: Origin
}

/** What is wrong with the environment: one sentence for each wrong variable, none of which holds a secret. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** The settings, parsed and checked. Throws a ConfigError that names every wrong and every unknown variable. */
export function readSettings(source: ConfigSource): Settings {
  return Object.fromEntries(readAll(source).map((read) => [read.key, read.value])) as unknown as Settings
}

/** The same with where each value comes from, for people. */
export function readAll(source: ConfigSource): ReadSetting[] {
  const problems = unknownNames(source.env)
  const found: ReadSetting[] = []
  for (const [key, setting] of settings()) {
    const outcome = readOne(setting, source)
    if ('problem' in outcome) problems.push(outcome.problem)
    else found.push({ key, setting, ...outcome })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return found
}

export function settings(): [keyof Settings, Setting<unknown>][] {
  return Object.entries(settingTable) as [keyof Settings, Setting<unknown>][]
}

type Outcome = { written: string | undefined; value: unknown; origin: Origin } | { problem: string }

function readOne(setting: Setting<unknown>, source: ConfigSource): Outcome {
  const given = givenText(setting, source)
  if ('problem' in given) return given
  const { written, origin } = given
  if (written === undefined) return { written, value: undefined, origin: 'not set' }
  const value = setting.kind.parse(written)
  if (value !== undefined) return { written, value, origin }
  const shown = setting.secret ? 'has a value that is not allowed' : `is ${JSON.stringify(written.slice(0, 100))}`
  return { problem: `${setting.name} ${shown}: it must be ${setting.kind.allowed}.` }
}

/** An empty variable counts as not set: composing tools pass those. */
function givenText(
  setting: Setting<unknown>,
  { env, readFile }: ConfigSource,
): { written: string | undefined; origin: Origin } | { problem: string } {
  const written = env[setting.name] || undefined
  const file = setting.secret ? env[`${setting.name}_FILE`] || undefined : undefined
  if (written !== undefined && file !== undefined)
    return { problem: `${setting.name} and ${setting.name}_FILE are both set: only one may be.` }
  if (written !== undefined) return { written, origin: 'environment' }
  if (file === undefined) return { written: setting.default, origin: 'default' }
  try {
    return { written: readFile(file).trim(), origin: 'file' }
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    return { problem: `${setting.name}_FILE is ${JSON.stringify(file)}: that file cannot be read (${reason}).` }
  }
}

/** SEXTANT_TEST_… belongs to the test suites. */
function unknownNames(env: Environment): string[] {
  const known = new Set(settings().flatMap(([, { name, secret }]) => (secret ? [name, `${name}_FILE`] : [name])))
  return Object.keys(env)
    .filter((name) => name.startsWith('SEXTANT_') && !name.startsWith('SEXTANT_TEST_') && !known.has(name))
    .map((name) => `${name} is not a setting of Sextant${suggestion(name, known)}; \`sextant config\` lists them all.`)
}

function suggestion(name: string, known: Iterable<string>): string {
  let best: { name: string; steps: number } | undefined
  for (const candidate of known) {
    const steps = editDistance(name, candidate)
    if (steps <= 3 && steps < (best?.steps ?? 4)) best = { name: candidate, steps }
  }
  return best ? ` (${best.name} is)` : ''
}

/** Levenshtein: how many letters must be changed. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, swap))
    }
    row = next
  }
  return row[b.length]!
}
