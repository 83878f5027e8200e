import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { exists, sync } from '../files.ts'
import { type Identity, ownAll } from './identity.ts'
import { startKept } from './keeper.ts'

/** The role and the database that Sextant's own server has. */
export const POSTGRES_NAME = 'sextant'
const NEW = '.new-cluster-'
/** An initdb whose parent was killed a moment ago may still be writing there: the removal is tried for about 5 s. */
const LEFTOVER = { recursive: true, force: true, maxRetries: 20, retryDelay: 25 }

/**
 * The data directory of a server of this version, made if there is none: in a directory beside it that is renamed when
 * it is whole, so that a start that was killed leaves nothing half made. Answers its path.
 */
export async function ensureCluster(directory: string, identity: Identity, signal: AbortSignal): Promise<string> {
  const cluster = join(directory, 'cluster')
  for (const name of await readdir(directory)) {
    if (name.startsWith(NEW)) await rm(join(directory, name), LEFTOVER)
  }
  if (!(await exists(cluster))) await createCluster(cluster, identity, signal)

  const found = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim()
  const ours = identity.version.split('.')[0]
  if (found !== ours) {
    const advice =
      Number(found) > Number(ours)
        ? 'use a newer Sextant'
        : 'dump it with the Sextant that wrote it and restore it here'
    throw new Error(
      `The data in ${cluster} was written by PostgreSQL ${found}, and this is PostgreSQL ${ours}: ${advice}.`,
    )
  }
  return cluster
}

async function createCluster(cluster: string, identity: Identity, signal: AbortSignal): Promise<void> {
  const fresh = await mkdtemp(join(dirname(cluster), NEW))
  await ownAll(dirname(cluster), identity.owner)
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const manner = ['--data-checksums', '--auth=trust', '--no-instructions', '-U', POSTGRES_NAME]
  await runToEnd([identity.binaries.initdb, '-D', fresh, ...locale, ...manner], identity, fresh, signal)
  const createDatabase = 'echo "create database $1" | exec "$2" --single -D "$3" template1'
  const single = ['/bin/sh', '-c', createDatabase, 'sh', POSTGRES_NAME, identity.binaries.postgres, fresh]
  await runToEnd(single, identity, fresh, signal)
  await rename(fresh, cluster)
  await sync(dirname(cluster))
}

async function runToEnd(command: string[], identity: Identity, directory: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const kept = await startKept(command, { identity, directory, environment: environment(), onLine: () => {} })
  const onAbort = () => void kept.stop(1_000)
  signal.addEventListener('abort', onAbort, { once: true })
  const { code, lastLines } = await kept.exited
  signal.removeEventListener('abort', onAbort)
  signal.throwIfAborted()
  if (code !== 0) throw new Error(`PostgreSQL could not make its data directory: ${lastLines.join(' | ')}`)
}

/** Nothing of the caller's: no PG* setting may change what the server does. Messages are in English. */
export function environment(): NodeJS.ProcessEnv {
  return { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', TZ: 'UTC', LC_ALL: 'C', ...ALLOCATION }
}

/**
 * For glibc: a session keeps up to 4 MiB that it freed. By default it gives memory back after every statement and asks
 * for it again with the next one: measured, half of the system time of a commit.
 */
const ALLOCATION = {
  MALLOC_TRIM_THRESHOLD_: String(4 * 1024 * 1024),
  MALLOC_MMAP_THRESHOLD_: String(4 * 1024 * 1024),
  MALLOC_TOP_PAD_: String(256 * 1024),
}
