import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../base/log.ts'
import { findBinaries } from './binaries.ts'
import { ensureCluster, environment, POSTGRES_NAME } from './cluster.ts'
import { chooseIdentity, type Identity } from './identity.ts'
import { type Exit, type KeptProcess, startKept } from './keeper.ts'
import { clearPrevious } from './previous.ts'
import { archiveSettings, type RecoveryTarget, recoverySettings } from './wal-archive.ts'

export interface PostgresOptions {
  /** Made with mode 0700 if it is not there; holds `cluster` (the data) and `socket`. */
  directory: string
  log: Log
  /** More of PostgreSQL's settings, by name; they win over ours. */
  settings?: Readonly<Record<string, string>>
  /** Where it copies its WAL; made if it is not there. */
  walArchive?: string | undefined
  /** Brings a base backup that lies in `cluster` up to a moment, from the WAL in the archive; ready when that is done. */
  recovery?: { archive: string | undefined; target: RecoveryTarget }
  /** How long a server that is still running on this directory may take to go (default 15 s). */
  patienceMs?: number
  /** Gives up the start. A server that runs is stopped by `stop` alone. */
  signal: AbortSignal
}

export interface EmbeddedPostgres {
  /** For pg and libpq alike; over the Unix socket. */
  url: string
  socketDirectory: string
  /** Of the postmaster. */
  pid: number
  /** A fast shutdown: sessions are ended, a checkpoint is written. Resolves when it is gone. May be called twice. */
  stop(): Promise<void>
  /** Resolves when it is gone for whatever reason; never rejects. */
  exited: Promise<Exit>
}

/** Linux allows 107 bytes for a socket's path, macOS 103. */
const SOCKET_PATH_BYTES_MAX = 100
const READY_WITHIN_MS = 60_000
/** It may have much WAL to read. */
const RECOVERED_WITHIN_MS = 7 * 86_400_000
/** A fast shutdown writes a checkpoint, which may be a large one. */
const PATIENCE_MS = 15_000
const STOP_GRACE_MS = 20_000
/** Old backends finish what they do before they notice that their server was killed. */
const OLD_BACKENDS_TRIES = 50

/**
 * Starts the PostgreSQL that comes with npm: real, durable, on a Unix socket only. It cannot outlive this process,
 * even if that is killed with -9. Throws one clear sentence when it cannot be started.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const { log, signal } = options
  await mkdir(options.directory, { recursive: true, mode: 0o700 })
  const directory = await realpath(options.directory)
  const identity = await chooseIdentity(findBinaries(), directory)
  const cluster = await ensureCluster(directory, identity, signal)
  const socketDirectory = await ensureSocketDirectory(directory, identity)
  await clearPrevious({ cluster, socketDirectory, patienceMs: options.patienceMs ?? PATIENCE_MS }, signal)

  const command = [identity.binaries.postgres, '-D', cluster]
  const settings = {
    ...durableSettings(socketDirectory),
    ...(options.walArchive !== undefined && (await archiveInto(options.walArchive, identity))),
    ...(options.recovery && (await prepareRecovery(options.recovery, cluster, identity))),
    ...options.settings,
  }
  for (const [name, value] of Object.entries(settings)) command.push('-c', `${name}=${value}`)
  for (let tries = 1; ; tries++) {
    const onLine = (line: string) => logLine(log, line)
    const kept = await startKept(command, { identity, directory: cluster, environment: environment(), onLine })
    try {
      await untilReady(kept, cluster, { withinMs: options.recovery ? RECOVERED_WITHIN_MS : READY_WITHIN_MS, signal })
    } catch (error) {
      await kept.stop(STOP_GRACE_MS)
      if (tries > OLD_BACKENDS_TRIES || !/pre-existing shared memory/.test(String(error))) throw error
      await sleep(100, undefined, { signal })
      continue
    }
    const url = `postgresql://${POSTGRES_NAME}@localhost/${POSTGRES_NAME}?host=${encodeURIComponent(socketDirectory)}`
    const { pid, exited } = kept
    return { url, socketDirectory, pid, exited, stop: () => kept.stop(STOP_GRACE_MS) }
  }
}

/** Durable whatever else is set; memory for a machine that does other work too. */
function durableSettings(socketDirectory: string): Record<string, string> {
  return {
    listen_addresses: '',
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    wal_compression: 'on',
    shared_buffers: '128MB',
    max_connections: '100',
    // A transaction that deletes 1,000 keys holds as many advisory locks (migrations, delete_objects_v1).
    max_locks_per_transaction: '256',
    max_wal_size: '1GB',
    checkpoint_timeout: '15min',
    jit: 'off',
    lc_messages: 'C',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '',
    log_checkpoints: 'off',
    // No statement, and no key within a DETAIL, goes to the log.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
  }
}

async function archiveInto(directory: string, identity: Identity): Promise<Record<string, string>> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await makePrivate(directory, identity)
  return archiveSettings(await realpath(directory))
}

async function prepareRecovery(
  { archive, target }: NonNullable<PostgresOptions['recovery']>,
  cluster: string,
  { owner }: Identity,
): Promise<Record<string, string>> {
  const signalFile = join(cluster, 'recovery.signal')
  await writeFile(signalFile, '')
  if (process.getuid?.() === 0) await chown(signalFile, owner, owner)
  return recoverySettings(archive && (await realpath(archive)), target)
}

/** In the data directory, or, where that makes too long a path, in a private directory of a short name. */
async function ensureSocketDirectory(directory: string, identity: Identity): Promise<string> {
  const near = join(directory, 'socket')
  if (Buffer.byteLength(join(near, '.s.PGSQL.5432.lock')) <= SOCKET_PATH_BYTES_MAX) {
    return await makePrivate(near, identity)
  }
  // Named after the data directory, so that starting again and again leaves one directory behind, not many.
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 16)
  try {
    return await makePrivate(join(tmpdir(), `sextant-${name}`), identity)
  } catch {
    return await makePrivate(await mkdtemp(join(tmpdir(), 'sextant-')), identity) // somebody else took the name
  }
}

async function makePrivate(path: string, identity: Identity): Promise<string> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(path)
  const uid = process.getuid?.() ?? found.uid
  if (!found.isDirectory() || ![uid, identity.owner].includes(found.uid)) throw new Error(`${path} is not ours.`)
  await chmod(path, 0o700)
  if (found.uid !== identity.owner) await chown(path, identity.owner, identity.owner)
  return path
}

/** postmaster.pid says so in its eighth line; pg_ctl looks there too. */
async function untilReady(
  kept: KeptProcess,
  cluster: string,
  { withinMs, signal }: { withinMs: number; signal: AbortSignal },
): Promise<void> {
  const ended = kept.exited.then(({ code, lastLines }) => {
    throw new Error(`PostgreSQL did not start (exit ${code}): ${lastLines.join(' | ')}`)
  })
  ended.catch(() => {}) // it also ends when all went well, later
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 10) {
    const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    if (Number(lines[0]) === kept.pid && lines[7]?.trim() === 'ready') return
    await Promise.race([sleep(10, undefined, { signal }), ended])
  }
  throw new Error(`PostgreSQL did not become ready within ${withinMs / 1000} s.`)
}

function logLine(log: Log, line: string): void {
  if (/^(FATAL|PANIC|WARNING):/.test(line)) log.warn({ postgres: line }, 'postgres says')
  else log.debug({ postgres: line }, 'postgres says')
}
