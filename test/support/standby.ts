import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../src/base/log.ts'
import { type EmbeddedPostgres, startPostgres } from '../../src/cli/postgres/start.ts'
import { execute, type TestDatabase } from './postgres.ts'
import { until } from './until.ts'

/** A streaming standby of a test's own server. */
export class Standby implements AsyncDisposable {
  readonly #primary: TestDatabase
  readonly #directory: string
  #running: EmbeddedPostgres | undefined

  /** The server is stopped meanwhile: what is copied is whole. */
  static async of(primary: TestDatabase): Promise<Standby> {
    const directory = await mkdtemp(join(tmpdir(), 'sextant-standby-'))
    const server = primary.server!
    await server.stop()
    await cp(join(server.directory, 'cluster'), join(directory, 'cluster'), { recursive: true })
    await server.start()
    await writeFile(join(directory, 'cluster', 'standby.signal'), '')
    const standby = new Standby(primary, directory)
    await standby.start()
    return standby
  }

  private constructor(primary: TestDatabase, directory: string) {
    this.#primary = primary
    this.#directory = directory
  }

  /** The same database there. */
  get url(): string {
    const url = new URL(this.#primary.url)
    url.searchParams.set('host', this.#running!.socketDirectory)
    return url.href
  }

  async start(): Promise<void> {
    const { searchParams, username } = new URL(this.#primary.url)
    this.#running = await startPostgres({
      directory: this.#directory,
      log: silentLog,
      settings: {
        fsync: 'off',
        primary_conninfo: `host=${searchParams.get('host')} user=${username} application_name=standby`,
        wal_retrieve_retry_interval: '100ms',
      },
      signal: new AbortController().signal,
    })
  }

  async stop(): Promise<void> {
    await this.#running!.stop()
  }

  sql(text: string): Promise<Record<string, unknown>[]> {
    return execute(this.url, text)
  }

  /** Resolves when it shows all that the primary had until now. */
  async catchUp(): Promise<void> {
    const [now] = await execute(this.#primary.url, 'select pg_current_wal_insert_lsn()::text as lsn')
    await until(async () => {
      const [row] = await this.sql(`select pg_last_wal_replay_lsn() >= '${now!.lsn}' as done`)
      return row!.done === true
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
