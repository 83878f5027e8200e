import type { Clock, Random } from '../base/clock.ts'
import { type Environment, readSettings, type Settings } from '../base/config.ts'
import { processConfig } from '../base/config-env.ts'
import { type Log, makeLog } from '../base/log.ts'
import { systemClock, systemRandom } from '../base/system.ts'

/** What a command that takes long is made of. */
export interface CommandDeps {
  settings: Settings
  /** For programs that are run. */
  env: Environment
  clock: Clock
  random: Random
  log: Log
  /** Aborted by Ctrl-C: what was begun is undone. */
  signal: AbortSignal
  /** Tells people how it goes, in one line. */
  progress(line: string): void
}

/** Runs `work`, which a SIGINT or SIGTERM gives up. */
export async function withCommandDeps<T>(
  progress: (line: string) => void,
  work: (deps: CommandDeps) => Promise<T>,
): Promise<T> {
  const source = processConfig()
  const settings = readSettings(source)
  const stop = new AbortController()
  const onSignal = (name: NodeJS.Signals) => stop.abort(new Error(`stopped by ${name}`))
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    const log = makeLog(settings.logLevel, { process: 'command' })
    const deps = { settings, env: source.env, clock: systemClock, random: systemRandom, log, progress }
    return await work({ ...deps, signal: stop.signal })
  } finally {
    progress('')
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}
