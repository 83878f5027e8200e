import type { Clock, Random } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { isConfigured, type NotificationTargets, parseTarget } from '../../base/notifications/targets.ts'
import type { Job, JobRun } from '../job-runner.ts'
import type { NotificationCatalogue, PostEvent } from '../ports/notifications.ts'
import { notifyChannel } from './notify-channel.ts'
import { TargetHealth } from './target-health.ts'
import { tellWebhook } from './tell-webhook.ts'

export interface NotificationDeps {
  catalogue: NotificationCatalogue
  post: PostEvent
  clock: Clock
  random: Random
  log: Log
}

export interface NotificationSettings {
  targets: NotificationTargets
  /** Of one attempt. */
  timeoutMs: number
  /** What has waited longer is dropped. */
  ageMsMax: number
  /** As many wait for one target, at most; the oldest are dropped. */
  waitingMax: number
  /** Between two looks whether any bucket asks for events, in ms. */
  intervalMs: number
}

/** Since the store's first start, of each target by its ARN. */
export interface NotificationProgress {
  told?: Record<string, number>
  dropped?: Record<string, number>
}

export const NOTIFICATIONS_JOB = 'notifications'

/** How long an event may lie before it is noticed. */
const LOOK_MS = 250
/** Between two looks for what has waited too long. */
const DROP_MS = 60_000
/** In one transaction: their keys are locked so long. */
const DROPPED_AT_ONCE = 1_000

/**
 * Tells what lies in the outbox to whom it is for: each event at least once, those of a key in their order. A target that
 * does not answer holds no other one up. Stays at work while any bucket asks for events.
 */
export function notificationsJob(deps: NotificationDeps, settings: NotificationSettings): Job {
  return {
    name: NOTIFICATIONS_JOB,
    work: (run, signal) => new NotificationRun(deps, settings, run).work(signal),
  }
}

class NotificationRun {
  readonly #deps: NotificationDeps
  readonly #settings: NotificationSettings
  readonly #run: JobRun
  /** What is under way, by target. */
  readonly #working = new Map<string, Promise<void>>()
  readonly #health = new Map<string, TargetHealth>()

  constructor(deps: NotificationDeps, settings: NotificationSettings, run: JobRun) {
    this.#deps = deps
    this.#settings = settings
    this.#run = run
  }

  /** Answers when to look again, in ms. */
  async work(stop: AbortSignal): Promise<number> {
    const { catalogue, clock } = this.#deps
    const halt = new AbortController()
    const signal = AbortSignal.any([stop, halt.signal])
    let dropAtMs = 0
    try {
      for (;;) {
        signal.throwIfAborted()
        const { targets, isAsked } = await catalogue.look(signal)
        if (targets.length === 0 && !isAsked) return this.#settings.intervalMs
        if (clock.nowMs() >= dropAtMs) {
          for (const target of targets) await this.#drop(target, signal)
          dropAtMs = clock.nowMs() + DROP_MS
        }
        for (const target of targets) this.#start(target, signal, (error) => halt.abort(error))
        await clock.sleep(LOOK_MS, signal)
      }
    } finally {
      halt.abort(new Error('the run is over'))
      await Promise.all(this.#working.values())
    }
  }

  #start(target: string, signal: AbortSignal, onFailure: (error: unknown) => void): void {
    if (this.#working.has(target)) return
    const work = this.#tell(target, signal)
      .catch(onFailure)
      .finally(() => this.#working.delete(target))
    this.#working.set(target, work)
  }

  async #tell(target: string, signal: AbortSignal): Promise<void> {
    const { targets, timeoutMs } = this.#settings
    const named = parseTarget(target)
    // Whoever has it in their settings no more may put it back; until then its events wait, and grow old.
    if (!named || !isConfigured(targets, named)) return
    const onTold = (count: number) => this.#count('told', target, count)
    if (named.type === 'postgres') {
      return await notifyChannel(this.#deps.catalogue, { target, channel: named.name, onTold }, signal)
    }
    const health = this.#health.get(target) ?? new TargetHealth(this.#deps, target)
    this.#health.set(target, health)
    const webhook = targets.webhooks.get(named.name)!
    await tellWebhook({ ...this.#deps, health }, { target, webhook, timeoutMs, onTold }, signal)
  }

  async #drop(target: string, signal: AbortSignal): Promise<void> {
    const { catalogue, log } = this.#deps
    const { ageMsMax, waitingMax } = this.#settings
    let dropped = 0
    for (let more = DROPPED_AT_ONCE; more === DROPPED_AT_ONCE; dropped += more) {
      more = await catalogue.dropEvents({ target, ageMsMax, waitingMax, droppedMax: DROPPED_AT_ONCE }, signal)
    }
    if (dropped === 0) return
    log.error({ target, dropped }, 'events that nobody took in time were dropped')
    this.#count('dropped', target, dropped)
  }

  #count(what: keyof NotificationProgress, target: string, count: number): void {
    const progress = this.#run.progress as NotificationProgress
    const counts = progress[what] ?? {}
    this.#run.report({ ...progress, [what]: { ...counts, [target]: (counts[target] ?? 0) + count } })
  }
}
