import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../../../src/base/log.ts'
import { type EmbeddedPostgres, startPostgres } from '../../../src/cli/postgres/start.ts'
import { kill } from '../../support/up.ts'
import { type Member, RESTART_MS } from './member.ts'

export interface PostgresPlan {
  directory: string
  /** It listens here too, beside its Unix socket. */
  host: string
  port: number
}

/** The embedded PostgreSQL, as durable as in a store: what is killed here must lose nothing. */
export class PostgresMember implements Member {
  readonly kind = 'PostgreSQL'
  readonly name = 'PostgreSQL'
  readonly #plan: PostgresPlan
  #running: EmbeddedPostgres | undefined
  #isWanted = false
  #serving = Promise.withResolvers<void>()
  #kept = Promise.resolve()

  constructor(plan: PostgresPlan) {
    this.#plan = plan
  }

  get pid(): number | undefined {
    return this.#running?.pid
  }

  /** Over the Unix socket, past any network that is cut. */
  get url(): string {
    const url = new URL(this.#running!.url)
    url.port = String(this.#plan.port)
    return url.href
  }

  async serving(): Promise<void> {
    await this.#serving.promise
  }

  signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) kill(this.pid, signal)
  }

  async stop(): Promise<void> {
    this.#isWanted = false
    this.signal('SIGKILL')
    await this.#kept
  }

  async start(): Promise<void> {
    this.#isWanted = true
    await this.#startOnce()
    this.#kept = this.#keep()
  }

  async #keep(): Promise<void> {
    for (;;) {
      await this.#running!.exited
      this.#running = undefined
      this.#serving = Promise.withResolvers<void>()
      do {
        await sleep(RESTART_MS)
        if (!this.#isWanted) return
      } while (!(await this.#startsAgain()))
      if (!this.#isWanted) this.signal('SIGKILL')
    }
  }

  /** False while its disk is full, for one. */
  async #startsAgain(): Promise<boolean> {
    try {
      await this.#startOnce()
      return true
    } catch {
      return false
    }
  }

  async #startOnce(): Promise<void> {
    const { directory, host, port } = this.#plan
    // Its own lets in nobody from another host, and that is what a network namespace is.
    const rules = join(directory, 'hba.conf')
    await mkdir(directory, { recursive: true, mode: 0o700 })
    await writeFile(rules, 'local all all trust\nhost all all all trust\n')
    const settings = { listen_addresses: host, port: String(port), hba_file: rules }
    const signal = new AbortController().signal
    this.#running = await startPostgres({ directory, log: silentLog, settings, signal })
    this.#serving.resolve()
  }
}
