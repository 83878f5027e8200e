import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import type { CommandDeps } from '../command-deps.ts'
import { CommandFailure, systemCode } from '../failure.ts'

/**
 * PostgreSQL's own pg_dump and pg_restore, from PATH, for a server that is not ours: `sextant up` brings the server's
 * programs alone.
 */
export interface DumpTool {
  /** Throws a CommandFailure with the last lines that it wrote. */
  run(args: readonly string[], url: string, deps: Pick<CommandDeps, 'env' | 'signal'>): Promise<void>
}

/** Throws a CommandFailure when it is not there, or is older than the server or the dump. */
export async function findTool(name: 'pg_dump' | 'pg_restore', versionMin: number): Promise<DumpTool> {
  const found = await versionOf(name)
  if (found < versionMin) {
    throw new CommandFailure(
      `${name} on the PATH is of PostgreSQL ${found}, and ${versionMin} or later is needed here: install the client programs of PostgreSQL ${versionMin} (Debian: postgresql-client-${versionMin}) and put them first on the PATH.`,
    )
  }
  return { run: (args, url, deps) => run([name, ...args], url, deps) }
}

async function versionOf(name: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)(name, ['--version'])
    return Number(/\d+/.exec(stdout)?.[0])
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause
    throw new CommandFailure(
      `${name} is not on the PATH: install PostgreSQL's client programs (Debian: postgresql-client).`,
      { cause },
    )
  }
}

const LINES_KEPT = 5

async function run(
  [name = '', ...args]: readonly string[],
  url: string,
  { env, signal }: Pick<CommandDeps, 'env' | 'signal'>,
): Promise<void> {
  const { dsn, password } = withoutPassword(url)
  const child = spawn(name, [...args, `--dbname=${dsn}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: password === '' ? env : { ...env, PGPASSWORD: password },
    signal,
  })
  let said = ''
  child.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-4096)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === 0) return
  throw new CommandFailure(
    `${name} failed: ${said.trim().split('\n').slice(-LINES_KEPT).join(' | ') || `exit ${code}`}`,
  )
}

/** A password in an argument could be read by everybody on the machine. */
function withoutPassword(url: string): { dsn: string; password: string } {
  const parsed = new URL(url)
  const password = decodeURIComponent(parsed.password)
  parsed.password = ''
  return { dsn: parsed.href, password }
}
