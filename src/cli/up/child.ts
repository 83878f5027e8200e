import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../base/clock.ts'
import type { Environment } from '../../base/config.ts'
import type { Log } from '../../base/log.ts'
import { CommandFailure } from '../failure.ts'
import type { ChildMessage, StopMessage, UsageMessage } from '../processes/messages.ts'
import { makeBackoff } from './backoff.ts'

/** One process of the store, and how it is started again. */
export interface ChildPlan {
  /** As people call it: `storage node 3`. */
  name: string
  args: readonly string[]
  env: Environment
  /** For V8. */
  execArgv: readonly string[]
}

export interface ChildDeps {
  clock: Clock
  log: Log
  /** Inherited, so that the lock outlives a killed parent until its children are gone. */
  lockFd: number
  /** After every start, with its pid. */
  onStart(): void
  /** It has something to tell the others of its kind. */
  onUsage(message: UsageMessage, from: SupervisedChild): void
}

/** A child that is started again whenever it ends, until it is told to stop. */
export interface SupervisedChild {
  readonly name: string
  readonly pid: number | undefined
  /** Resolves when the first start serves; rejects with a CommandFailure if that fails. */
  readonly ready: Promise<void>
  /** Resolves when the process is gone. Called again with less time, it hurries. */
  stop(drainMs: number): Promise<void>
  /** Lost where it does not run. */
  tell(message: UsageMessage): void
}

/** Of this package, from src/cli/up/ and from dist/cli/up/ alike. */
const BIN = fileURLToPath(new URL('../../../bin/sextant.js', import.meta.url))

const READY_MS_MAX = 60_000
/** A child gets this long beyond its drain before it is killed. */
const STOP_GRACE_MS = 5_000
/** A service manager signals parent and children at once; the parent's own signal may come a little later. */
const SIGNAL_SETTLE_MS = 500

export function superviseChild(plan: ChildPlan, deps: ChildDeps): SupervisedChild {
  return new Supervision(plan, deps)
}

class Supervision implements SupervisedChild {
  readonly name: string
  readonly ready: Promise<void>
  readonly #plan: ChildPlan
  readonly #deps: ChildDeps
  readonly #log: Log
  readonly #first = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()
  #child: ChildProcess | undefined
  #wasReady = false
  #stopping = false
  readonly #backoff = makeBackoff()
  #failure: string | undefined
  #restart: Disposable | undefined
  #kill: Disposable | undefined

  constructor(plan: ChildPlan, deps: ChildDeps) {
    this.name = plan.name
    this.ready = this.#first.promise
    this.ready.catch(() => {})
    this.#plan = plan
    this.#deps = deps
    this.#log = deps.log.child({ process: plan.name })
    this.#start()
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  stop(drainMs: number): Promise<void> {
    this.#stopping = true
    this.#restart?.[Symbol.dispose]()
    const child = this.#child
    if (!child) {
      this.#gone.resolve()
      return this.#gone.promise
    }
    this.#tellStop(child, drainMs)
    this.#kill?.[Symbol.dispose]()
    this.#kill = this.#deps.clock.after(drainMs + STOP_GRACE_MS, () => {
      this.#log.warn({ pid: child.pid }, 'does not stop: killed')
      child.kill('SIGKILL')
    })
    return this.#gone.promise
  }

  tell(message: UsageMessage): void {
    if (this.#child?.connected) this.#child.send(message, () => {}) // it ends: then it need not know
  }

  #start(): void {
    const startedMs = this.#deps.clock.nowMs()
    const child = fork(BIN, [...this.#plan.args], {
      env: this.#plan.env,
      execArgv: [...this.#plan.execArgv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', this.#deps.lockFd],
    })
    this.#child = child
    queueMicrotask(this.#deps.onStart)
    const slow = this.#deps.clock.after(READY_MS_MAX, () => {
      this.#failure = `it did not serve within ${READY_MS_MAX / 1000} s`
      child.kill('SIGKILL')
    })
    child.on('message', (message) => {
      const told = message as ChildMessage
      if (told.kind === 'ready') {
        slow[Symbol.dispose]()
        this.#onReady(child)
      }
      if (told.kind === 'failed') this.#failure = told.message
      if (told.kind === 'usage') this.#deps.onUsage(told, this)
      if (told.kind === 'signalled') this.#onSignalled(child)
    })
    const ended = once((how: string) => {
      slow[Symbol.dispose]()
      this.#onEnd(how, this.#deps.clock.nowMs() - startedMs)
    })
    child.on('error', (error) => {
      if (child.pid === undefined) ended(error.message)
    })
    child.on('exit', (code, signal) => ended(signal ? `killed by ${signal}` : `exit code ${code}`))
  }

  #onReady(child: ChildProcess): void {
    if (this.#wasReady) this.#log.warn({ pid: child.pid }, 'serves again')
    this.#wasReady = true
    this.#first.resolve()
  }

  /** Stopping already: then it hears of that anyway. Otherwise somebody means this child: it stops and is started again. */
  #onSignalled(child: ChildProcess): void {
    this.#deps.clock.after(SIGNAL_SETTLE_MS, () => {
      if (!this.#stopping && this.#child === child) this.#tellStop(child, 0)
    })
  }

  #tellStop(child: ChildProcess, drainMs: number): void {
    const message: StopMessage = { kind: 'stop', drainMs }
    if (child.connected) child.send(message, () => {})
  }

  #onEnd(how: string, livedMs: number): void {
    this.#child = undefined
    this.#kill?.[Symbol.dispose]()
    if (this.#stopping) {
      this.#first.reject(new CommandFailure(`The ${this.name} was stopped before it served.`))
      this.#gone.resolve()
      return
    }
    const reason = this.#failure ?? how
    this.#failure = undefined
    if (!this.#wasReady) {
      this.#stopping = true
      this.#gone.resolve()
      this.#first.reject(new CommandFailure(`The ${this.name} did not start: ${reason}`))
      return
    }
    const waitMs = this.#backoff.nextMs(livedMs)
    this.#log.warn({ reason, livedMs, waitMs }, 'ended: it will be started again')
    this.#restart = this.#deps.clock.after(waitMs, () => this.#start())
  }
}

function once(run: (how: string) => void): (how: string) => void {
  let done = false
  return (how) => {
    if (done) return
    done = true
    run(how)
  }
}
