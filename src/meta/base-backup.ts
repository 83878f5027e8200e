import { Readable } from 'node:stream'
import pg from 'pg'

export interface BaseBackup {
  /** One tar archive of the whole data directory, with the WAL that makes it consistent. To be read to its end. */
  archive: Readable
  /** Estimated by the server, before compression. */
  sizeBytes: number
  /** Resolves when all was sent; rejects when the archive does. */
  finished: Promise<BaseBackupEnd>
}

export interface BaseBackupEnd {
  /** PostgreSQL's backup_manifest: size and SHA-256 of every file. */
  manifest: Buffer
  startLsn: string
  endLsn: string
  timeline: number
}

interface Session {
  stream: { pause(): void; resume(): void }
  query(text: string): void
}

/** Keywords are in capitals: the grammar of replication knows no others. A slot of this session alone: it keeps the WAL of a long backup until the session ends. */
const KEEP_WAL = `CREATE_REPLICATION_SLOT sextant_backup_${process.pid} TEMPORARY PHYSICAL (RESERVE_WAL)`
const BASE_BACKUP = `BASE_BACKUP (LABEL 'sextant', PROGRESS, CHECKPOINT 'fast', WAL true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'SHA256')`

/**
 * Takes a base backup through the replication protocol, while the server is at work.
 * https://www.postgresql.org/docs/current/protocol-replication.html#PROTOCOL-REPLICATION-BASE-BACKUP
 */
export async function takeBaseBackup(url: string, signal: AbortSignal): Promise<AsyncDisposable & BaseBackup> {
  signal.throwIfAborted()
  const client = new pg.Client({
    connectionString: url,
    application_name: 'sextant backup',
    connectionTimeoutMillis: 10_000,
    // What only pg's own types lack: https://www.postgresql.org/docs/current/protocol-replication.html
    ...({ replication: 'true' } as object),
  })
  const copy = new BackupStream()
  client.on('error', (error) => copy.destroy(error))
  await client.connect()
  const onAbort = () => copy.destroy(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await client.query(KEEP_WAL)
    client.query(copy as unknown as pg.Submittable)
    const sizeBytes = await copy.started
    return {
      archive: copy,
      sizeBytes,
      finished: copy.ended,
      async [Symbol.asyncDispose]() {
        signal.removeEventListener('abort', onAbort)
        copy.destroy()
        await client.end().catch(() => {}) // a broken connection is ended as well
      },
    }
  } catch (error) {
    signal.removeEventListener('abort', onAbort)
    await client.end().catch(() => {}) // the first error says more
    throw error
  }
}

/** Kinds of the messages that a base backup's copy is made of. */
const ARCHIVE = 0x6e // «n»: another archive begins
const MANIFEST = 0x6d // «m»: the manifest begins
const DATA = 0x64 // «d»
const KIB = 1024

/** As a query of pg: what the server sends becomes a stream; the socket waits while nobody reads. */
class BackupStream extends Readable {
  readonly #started = Promise.withResolvers<number>()
  readonly #ended = Promise.withResolvers<BaseBackupEnd>()
  readonly started = this.#started.promise
  readonly ended = this.#ended.promise
  readonly #results: string[][][] = []
  readonly #manifest: Buffer[] = []
  #session: Session | undefined
  #archives = 0
  #inManifest = false

  constructor() {
    super({ highWaterMark: 1024 * KIB, autoDestroy: false }) // the manifest comes after the archive's end
    this.started.catch(() => {})
    this.ended.catch(() => {})
  }

  override _read(): void {
    this.#session?.stream.resume()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const reason = error ?? new Error('the backup was given up')
    this.#started.reject(reason)
    this.#ended.reject(reason)
    this.#session?.stream.resume() // so that the connection can be ended
    done(error)
  }

  submit(session: Session): void {
    this.#session = session
    session.query(BASE_BACKUP)
  }

  handleRowDescription(): void {
    this.#results.push([])
  }

  handleDataRow({ fields }: { fields: string[] }): void {
    this.#results.at(-1)?.push(fields)
  }

  handleCommandComplete(): void {}

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    switch (chunk[0]) {
      case ARCHIVE:
        this.#archives++
        if (this.#archives > 1) this.destroy(new Error('the database has tablespaces, which this backup does not hold'))
        // The second result: a row a tablespace, its third column the estimated size in KiB.
        this.#started.resolve(Number(this.#results[1]?.[0]?.[2] ?? 0) * KIB)
        break
      case MANIFEST:
        this.#inManifest = true
        this.push(null)
        this.#session?.stream.resume() // nobody asks for more any more, and the manifest is small
        break
      case DATA:
        this.#take(Buffer.from(chunk.subarray(1))) // pg uses the memory again
        break
    }
  }

  #take(bytes: Buffer): void {
    if (this.#inManifest) this.#manifest.push(bytes)
    else if (!this.destroyed && !this.push(bytes)) this.#session?.stream.pause()
  }

  handleReadyForQuery(): void {
    const [[startLsn, timeline] = []] = this.#results[0] ?? []
    const [[endLsn] = []] = this.#results.at(-1) ?? []
    if (!this.#inManifest || startLsn === undefined || endLsn === undefined) {
      this.destroy(new Error('the server sent no whole backup'))
      return
    }
    this.#ended.resolve({ manifest: Buffer.concat(this.#manifest), startLsn, endLsn, timeline: Number(timeline) })
  }

  handleError(error: Error): void {
    this.destroy(error)
  }
}
