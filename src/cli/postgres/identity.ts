import { execFile } from 'node:child_process'
import { chown, cp, lchown, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { binariesIn, type PostgresBinaries } from './binaries.ts'

const run = promisify(execFile)

/** As whom PostgreSQL runs. It refuses to be root, whatever root says. */
export interface Identity {
  /** Put before the command. */
  prefix: readonly string[]
  /** The uid and gid to spawn with, if not ours. */
  spawnAs: number | undefined
  /** Who must own its files. */
  owner: number
  binaries: PostgresBinaries
  /** As `postgres --version` says: `18.4`. */
  version: string
}

type Candidate = Omit<Identity, 'version'> & { prepare(): Promise<void> }

const NOBODY = 65534

/**
 * An identity under which the binaries run and `directory` can be entered. An ordinary user is one; for root, the
 * first of these that works:
 * 1. a user namespace, where it sees another uid while the files stay root's, so that /root may stay closed to others;
 * 2. `nobody` with the one capability to pass through directories that are closed to it (containers, often);
 * 3. plain `nobody`, with its own copy of the binaries beside the data.
 */
export async function chooseIdentity(binaries: PostgresBinaries, directory: string): Promise<Identity> {
  const failures: string[] = []
  for (const candidate of candidates(binaries, directory)) {
    try {
      await candidate.prepare()
      const { prefix, spawnAs, owner, binaries } = candidate
      return { prefix, spawnAs, owner, binaries, version: await tryOut(candidate, directory) }
    } catch (error) {
      failures.push(reasonOf(error))
    }
  }
  throw new Error(
    `PostgreSQL cannot be run with data in ${directory}: ${failures.join('; ')}. Start Sextant as an ordinary user, or set DATABASE_URL.`,
  )
}

function candidates(binaries: PostgresBinaries, directory: string): Candidate[] {
  const uid = process.getuid?.() ?? -1
  const prepare = () => ownAll(directory, uid)
  const ours = { prefix: [], spawnAs: undefined, owner: uid, binaries }
  if (uid !== 0) return [{ ...ours, prepare: async () => {} }]
  const asNobody = { owner: NOBODY, prepare: () => ownAll(directory, NOBODY) }
  return [
    { ...ours, prepare, prefix: ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'] },
    {
      ...ours,
      ...asNobody,
      prefix: ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'].concat([
        '--inh-caps=+dac_override',
        '--ambient-caps=+dac_override',
        '--',
      ]),
    },
    {
      prefix: [],
      spawnAs: NOBODY,
      owner: NOBODY,
      binaries: { ...binaries, ...pathsUnder(join(directory, 'binaries')) },
      prepare: async () => {
        await copyBinaries(binaries, join(directory, 'binaries'))
        await ownAll(directory, NOBODY)
      },
    },
  ]
}

function pathsUnder(directory: string): PostgresBinaries {
  return { directory, initdb: join(directory, 'bin', 'initdb'), postgres: join(directory, 'bin', 'postgres') }
}

/** Enters the directory and asks the binary for its version. */
async function tryOut(candidate: Candidate, directory: string): Promise<string> {
  const script = '[ "$(id -u)" != 0 ] && cd -- "$1" && exec "$2" --version'
  const [command, ...rest] = [
    ...candidate.prefix,
    '/bin/sh',
    '-c',
    script,
    'sh',
    directory,
    candidate.binaries.postgres,
  ]
  const as = candidate.spawnAs ? { uid: candidate.spawnAs, gid: candidate.spawnAs } : {}
  const { stdout } = await run(command!, rest, { timeout: 10_000, ...as })
  const version = /\d+(\.\d+)?/.exec(stdout)?.[0]
  if (!version) throw new Error(`${candidate.binaries.postgres} does not say its version`)
  return version
}

function reasonOf(error: unknown): string {
  const text = (error as { stderr?: string }).stderr || (error as Error).message
  return text.trim().split('\n').at(-1) ?? ''
}

/** All or nothing: copied beside, then renamed. A copy of another version is replaced. */
async function copyBinaries(binaries: PostgresBinaries, target: string): Promise<void> {
  const version = async (b: PostgresBinaries) => (await lstat(b.postgres)).size
  try {
    if ((await version(binariesIn(target))) === (await version(binaries))) return
  } catch {} // none there, or not whole: copied anew
  await rm(target, { recursive: true, force: true })
  const fresh = `${target}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { recursive: true })
  for (const part of ['bin', 'lib', 'share']) {
    await cp(join(binaries.directory, part), join(fresh, part), { recursive: true, dereference: true })
  }
  await rename(fresh, target)
}

/** Gives a directory and all in it to `uid`. What lies at the top goes last, so that a look at it tells whether all was done. */
export async function ownAll(directory: string, uid: number): Promise<void> {
  if (process.getuid?.() !== 0) return
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    if ((await lstat(path)).uid === uid) continue
    for (const entry of await readdir(path, { recursive: true }).catch(() => []))
      await lchown(join(path, entry), uid, uid)
    await lchown(path, uid, uid)
  }
  await chown(directory, uid, uid)
}
