import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../conformance/support/free-ports.ts'
import { eventually, type StoreUnderTest } from './store.ts'
import { type Ended, type Running, sextant } from './up.ts'

/** One more gateway on a running store, as on another machine: by its settings alone, on a port of its own. */
export class GatewayProcess implements AsyncDisposable {
  readonly endpoint: string
  readonly #store: StoreUnderTest
  readonly #port: string
  readonly #env: Record<string, string>
  #running: Running | undefined

  private constructor(store: StoreUnderTest, port: number, env: Record<string, string>) {
    this.#store = store
    this.#env = env
    this.#port = String(port)
    this.endpoint = `http://127.0.0.1:${port}`
  }

  static async start(store: StoreUnderTest, env: Record<string, string> = {}): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(store, await freePort(), env)
    await gateway.start()
    return gateway
  }

  /** Resolves when it serves. */
  async start(): Promise<void> {
    const secret = (name: string) => readFileSync(join(this.#store.directory, 'secrets', name), 'utf8').trim()
    this.#running = sextant(this.#store.directory, ['gateway', '--no-admin'], {
      DATABASE_URL: this.#store.databaseUrl(),
      SEXTANT_CLUSTER_TOKEN: secret('cluster-token'),
      SEXTANT_SEALING_KEY: secret('sealing-key'),
      SEXTANT_S3_PORT: this.#port,
      SEXTANT_LOG_LEVEL: 'error',
      SEXTANT_STOP_NOTICE_SECONDS: '0',
      ...this.#env,
    })
    await eventually('the gateway serves', 60_000, async () => {
      const answer = await fetch(`${this.endpoint}/health`).catch(() => undefined)
      return answer?.ok === true
    })
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<Ended> {
    this.#running!.child.kill(signal)
    return await this.#running!.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
  }
}
