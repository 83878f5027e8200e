import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { gone, kill, processesOn, type Ready, type Running, sextant } from './up.ts'

/** A whole store as a user starts it, with its processes to be killed. */
export class StoreUnderTest implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'sextant-store-'))
  readonly #env: Record<string, string>
  #running: Running | undefined
  #ready: Ready | undefined

  constructor(env: Record<string, string> = {}) {
    this.#env = { SEXTANT_LOG_LEVEL: 'error', ...env }
  }

  get announced(): Ready {
    if (!this.#ready) throw new Error('the store was never started')
    return this.#ready
  }

  /** With root's keys; to be made after `start`. */
  client(more: S3ClientConfig = {}): S3Client {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.announced
    return new S3Client({
      endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
      forcePathStyle: true,
      ...more,
    })
  }

  /** Starts it, or starts it again on the same data and ports; resolves when it serves. */
  async start(): Promise<void> {
    const ports = this.#ready
      ? {
          SEXTANT_S3_PORT: new URL(this.#ready.endpoint).port,
          SEXTANT_ADMIN_PORT: new URL(this.#ready.adminUrl).port,
        }
      : {}
    this.#running = sextant(this.directory, ['up', '--json'], { ...this.#env, ...ports })
    this.#ready = await this.#running.ready
  }

  /** The running processes by name: `gateway`, `storage node 3`, `PostgreSQL`. */
  processes(): Map<string, number> {
    return new Map(this.#runFile().processes.flatMap(({ name, pid }) => (pid === null ? [] : [[name, pid] as const])))
  }

  databaseUrl(): string {
    return this.#runFile().databaseUrl
  }

  /** kill -9 of everything, as a power cut would. */
  async killAll(): Promise<void> {
    this.#running!.child.kill('SIGKILL')
    for (const { pid } of await processesOn(this.directory)) kill(pid, 'SIGKILL')
    await this.#running!.ended
    await gone(this.directory, 60_000)
  }

  /** In order, as Ctrl-C would. */
  async stop(): Promise<void> {
    this.#running?.child.kill('SIGTERM')
    await this.#running?.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }

  #runFile(): { databaseUrl: string; processes: { name: string; pid: number | null }[] } {
    return JSON.parse(readFileSync(join(this.directory, 'run', 'store.json'), 'utf8'))
  }
}

/** Asks again until the answer is yes; throws with `what` when it is not within `ms`. */
export async function eventually(what: string, ms: number, ask: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    if (await ask()) return
    await sleep(100)
  }
  throw new Error(`not within ${ms} ms: ${what}`)
}
