import { randomBytes } from 'node:crypto'
import { cp, mkdtemp, rename, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from 'pg'
import { silentLog } from '../../src/base/log.ts'
import { findBinaries } from '../../src/cli/postgres/binaries.ts'
import { type EmbeddedPostgres, startPostgres } from '../../src/cli/postgres/start.ts'
import { migrate } from '../../src/meta/migrate.ts'
import { kill } from './up.ts'

export interface TestDatabase extends AsyncDisposable {
  url: string
  /** A fresh, empty database on the same server; it goes with this one. */
  anotherUrl(): Promise<string>
  /** Only where the server is our own, not with SEXTANT_TEST_DATABASE_URL. */
  server: TestServer | undefined
}

export interface TestServer {
  /** Its own; `cluster` lies in it. */
  readonly directory: string
  /** The postmaster's pid, for a test that kills it. */
  pid(): number
  stop(): Promise<void>
  /** Starts it again on the same data; the URL stays. */
  start(): Promise<void>
  /** All of its processes stand still until what is answered is disposed. */
  standStill(): Promise<Disposable>
}

const MEMORY = '/dev/shm'
const MEMORY_BYTES_MIN = 4 * 1024 ** 3

/** No fsync: a test kills processes, not the machine. */
const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/**
 * A fresh database, migrated unless told otherwise, on a server of its own; or, with SEXTANT_TEST_DATABASE_URL, on that
 * one (which the metadata must work with from PostgreSQL 15 on). `await using`.
 */
export async function openTestDatabase(options: { migrated?: boolean } = {}): Promise<TestDatabase> {
  const stack = new AsyncDisposableStack()
  try {
    const given = process.env.SEXTANT_TEST_DATABASE_URL
    const { serverUrl, server } = given ? { serverUrl: given, server: undefined } : await ownServer(stack)
    const anotherUrl = async () => {
      const name = `sextant_test_${randomBytes(6).toString('hex')}`
      await execute(serverUrl, `create database ${name} template template0 encoding 'UTF8'`)
      stack.defer(async () => {
        if (given) await execute(serverUrl, `drop database if exists ${name} with (force)`)
      })
      const url = new URL(serverUrl)
      url.pathname = `/${name}`
      return url.href
    }
    const url = await anotherUrl()
    if (options.migrated !== false) await migrate({ url, log: silentLog, signal: new AbortController().signal })
    return { url, anotherUrl, server, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** One statement on a connection of its own. */
export async function execute(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(sql, values)).rows
  } finally {
    await client.end()
  }
}

async function ownServer(stack: AsyncDisposableStack): Promise<{ serverUrl: string; server: TestServer }> {
  const directory = await mkdtemp(join(await scratch(), 'sextant-pg-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await cp(await template(), join(directory, 'cluster'), { recursive: true })
  const start = () => startPostgres({ directory, log: silentLog, settings, signal: new AbortController().signal })
  let running: EmbeddedPostgres = await start()
  stack.defer(() => running.stop())
  const server: TestServer = {
    directory,
    pid: () => running.pid,
    stop: () => running.stop(),
    async start() {
      running = await start()
    },
    async standStill() {
      const rows = await execute(running.url, 'select pid from pg_stat_activity where pid <> pg_backend_pid()')
      const pids = [running.pid, ...rows.map((row) => row.pid as number)]
      for (const pid of pids) kill(pid, 'SIGSTOP')
      return {
        [Symbol.dispose]() {
          for (const pid of pids) kill(pid, 'SIGCONT')
        },
      }
    },
  }
  return { serverUrl: running.url, server }
}

/**
 * Memory, where there is plenty for several tests at once: nothing here has to last, and a database is 300 files, of which
 * some disks make no more than a thousand a second.
 */
async function scratch(): Promise<string> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }))
  return bavail * bsize >= MEMORY_BYTES_MIN ? MEMORY : tmpdir()
}

/** An initdb'ed cluster of this version, kept between runs: 0.8 s saved for each test file. Made beside, then renamed. */
async function template(): Promise<string> {
  const { version } = await packageOf(findBinaries().directory)
  const kept = join(tmpdir(), `sextant-pg-template-${version}-${process.getuid?.() ?? 0}`)
  if (await isOurs(kept)) return join(kept, 'cluster')
  const fresh = await mkdtemp(join(tmpdir(), 'sextant-pg-template-'))
  const first = await startPostgres({ directory: fresh, log: silentLog, signal: new AbortController().signal })
  await first.stop()
  // Somebody else may have been quicker: then a full directory is in the way, and theirs is as good.
  await rename(fresh, kept).catch(() => rm(fresh, { recursive: true, force: true }))
  return join(kept, 'cluster')
}

async function packageOf(directory: string): Promise<{ version: string }> {
  return (await import(join(dirname(directory), 'package.json'), { with: { type: 'json' } })).default
}

async function isOurs(directory: string): Promise<boolean> {
  const found = await stat(join(directory, 'cluster', 'PG_VERSION')).catch(() => undefined)
  return found !== undefined && (process.getuid === undefined || found.uid === process.getuid())
}
