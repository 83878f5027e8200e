import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const LIBRARIES = '/usr/lib'

/** The environment that puts a process's wall clock ahead (or behind, if negative). Monotonic time stays as it is. */
export function clockEnv(skewMs: number): Record<string, string> {
  if (skewMs === 0) return {}
  const skew = `${skewMs < 0 ? '' : '+'}${skewMs / 1000}s`
  return { LD_PRELOAD: libfaketime(), FAKETIME: skew, FAKETIME_DONT_FAKE_MONOTONIC: '1', FAKETIME_NO_CACHE: '1' }
}

/** Debian's package `faketime`. Its command is left out: it would stand between us and the process. */
function libfaketime(): string {
  const paths = readdirSync(LIBRARIES).map((name) => join(LIBRARIES, name, 'faketime', 'libfaketime.so.1'))
  const found = paths.find((path) => existsSync(path))
  if (found === undefined) throw new Error('libfaketime is needed for clocks that are wrong: install `faketime`')
  return found
}
