import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { kill } from '../../support/up.ts'
import { type Member, RESTART_MS, SERVING_MS_MAX } from './member.ts'

/** Of this version. Another one's stands in TEST_BIN of a process's environment. */
const BIN = fileURLToPath(new URL('../../../bin/sextant.js', import.meta.url))

export interface ProcessPlan {
  kind: 'gateway' | 'storage node'
  number: number
  env: Readonly<Record<string, string>>
  /** Runs the command that follows: `ip netns exec …`, `faketime …`. It must become it, not start it. */
  prefix?: readonly string[]
}

/**
 * A gateway or a storage node, whose log is appended to a file in SEXTANT_TEST_LOGS, if that is set. It ends with
 * this process, whatever ends this one: its channel closes.
 */
export class ProcessMember implements Member {
  readonly kind: 'gateway' | 'storage node'
  readonly name: string
  readonly #plan: ProcessPlan
  #env: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #isWanted = false
  #serving = Promise.withResolvers<void>()
  #served = false
  #ended = Promise.resolve()
  /** The last that it wrote. */
  #said = ''

  constructor(plan: ProcessPlan) {
    this.#plan = plan
    this.kind = plan.kind
    this.name = `${plan.kind} ${plan.number}`
    this.#env = plan.env
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  async serving(): Promise<void> {
    const late = AbortSignal.timeout(SERVING_MS_MAX)
    const tooLate = once(late, 'abort').then(() => {
      throw new Error(`${this.name} does not serve: ${this.#said}`)
    })
    await Promise.race([this.#serving.promise, tooLate])
  }

  signal(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) kill(this.pid, signal)
  }

  async stop(): Promise<void> {
    this.#isWanted = false
    this.signal('SIGKILL')
    await this.#ended
  }

  async start(env?: Readonly<Record<string, string>>): Promise<void> {
    if (env) this.#env = { ...this.#plan.env, ...env }
    this.#isWanted = true
    this.#ended = this.#keep()
    await this.serving()
  }

  #onReady(): void {
    this.#served = true
    this.#serving.resolve()
  }

  async #keep(): Promise<void> {
    while (this.#isWanted) {
      await this.#runOnce()
      if (this.#isWanted) await sleep(RESTART_MS)
    }
  }

  async #runOnce(): Promise<void> {
    const { prefix = [] } = this.#plan
    const role = this.kind === 'gateway' ? 'gateway' : 'storage-node'
    const [command, ...args] = [...prefix, process.execPath, this.#env.TEST_BIN ?? BIN, role, '--supervised']
    const child = spawn(command!, args, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: this.#env })
    this.#child = child
    const logs = process.env.SEXTANT_TEST_LOGS
    child.stderr!.on('data', (data: Buffer) => {
      if (logs !== undefined) appendFileSync(join(logs, `${this.name}.log`), data)
      this.#said = (this.#said + data.toString()).slice(-4_000)
    })
    child.on('message', (message: { kind: string; message?: string }) => {
      if (message.kind === 'ready') this.#onReady()
      if (message.kind === 'failed') this.#said += message.message
    })
    await once(child, 'close')
    this.#child = undefined
    // Whoever waits already goes on waiting; one that served must be waited for anew.
    if (this.#served) this.#serving = Promise.withResolvers<void>()
    this.#served = false
  }
}
