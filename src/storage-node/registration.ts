import { abortable } from '../base/abortable.ts'
import type { Clock } from '../base/clock.ts'
import type { ServerNumber } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { ChunkDisk, DiskStat, Registry, ServerRegistration } from './ports.ts'
import type { StorageNodeTuning } from './settings.ts'

export interface RegistrationDeps {
  disk: Pick<ChunkDisk, 'stat' | 'noteBeats'>
  registry: Registry
  clock: Clock
  log: Log
  tuning: StorageNodeTuning
}

export type ServerIdentity = Omit<ServerRegistration, 'capacityBytes' | 'availableBytes'>

/** A node's standing in the cluster; disposed, it is no longer refreshed. */
export interface Registration extends AsyncDisposable {
  /** undefined until the registry has answered for the first time. */
  readonly number: ServerNumber | undefined
  /** Resolves with the number; rejects when disposed before. */
  readonly registered: Promise<ServerNumber>
}

/**
 * Makes the node known, then heartbeats, for ever: a registry that is away is tried again with back-off, and registered
 * with anew when it is back, since it may have forgotten. The log hears of a change, not of every try.
 */
export function keepRegistered(deps: RegistrationDeps, identity: ServerIdentity): Registration {
  return new RunningRegistration(deps, identity)
}

class RunningRegistration implements Registration {
  number: ServerNumber | undefined
  readonly registered: Promise<ServerNumber>
  #deps: RegistrationDeps
  #identity: ServerIdentity
  #stop = new AbortController()
  #done: Promise<void>
  #announce = Promise.withResolvers<ServerNumber>()
  /** `lost`: the registry failed, and that was logged. */
  #standing: 'new' | 'known' | 'lost' = 'new'
  #lastStat: DiskStat | undefined
  #isDiskWell = true

  constructor(deps: RegistrationDeps, identity: ServerIdentity) {
    this.#deps = deps
    this.#identity = identity
    this.registered = this.#announce.promise
    // Who does not wait for it need not hear of it.
    this.registered.catch(() => {})
    this.#done = this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
    this.#announce.reject(new Error('the node stopped before it was registered'))
  }

  async #run(): Promise<void> {
    const { clock, tuning } = this.#deps
    let pauseMs = tuning.registryRetryMs
    while (!this.#stop.signal.aborted) {
      const isWell = await this.#beat()
      const waitMs = isWell ? tuning.heartbeatMs : Math.min(pauseMs, tuning.heartbeatMs)
      pauseMs = isWell ? tuning.registryRetryMs : pauseMs * 2
      await clock.sleep(waitMs, this.#stop.signal).catch(() => {})
    }
  }

  async #beat(): Promise<boolean> {
    const { log, clock, tuning } = this.#deps
    const late = new AbortController()
    using _timer = clock.after(tuning.registryCallMs, () => late.abort(new Error('no answer in time')))
    const signal = AbortSignal.any([this.#stop.signal, late.signal])
    try {
      await this.#tell(await this.#stat(signal), signal)
      if (this.#standing !== 'known') log.info({ number: this.number }, 'registered')
      this.#standing = 'known'
      return true
    } catch (error) {
      if (this.#stop.signal.aborted) return false
      if (this.#standing !== 'lost') log.warn({ err: error }, 'the registry does not answer; the node goes on serving')
      this.#standing = 'lost'
      return false
    }
  }

  async #tell(stat: DiskStat, signal: AbortSignal): Promise<void> {
    const { registry } = this.#deps
    const { capacityBytes, availableBytes, chunkCount, writable, beats: beatsSeen } = stat
    if (this.#standing !== 'known') {
      const registration = { ...this.#identity, capacityBytes, availableBytes }
      this.number = await abortable(registry.register(registration, signal), signal)
      this.#announce.resolve(this.number)
    }
    const beat = { id: this.#identity.id, capacityBytes, availableBytes, chunkCount, writable, beatsSeen }
    await this.#note(await abortable(registry.heartbeat(beat, signal), signal), signal)
  }

  /** A disk that does not take it shows its state by other means; the next heartbeat tells what was noted before. */
  async #note(beats: number, signal: AbortSignal): Promise<void> {
    const { disk, log } = this.#deps
    try {
      await abortable(disk.noteBeats(beats), signal)
    } catch (error) {
      log.debug({ reason: String(error) }, 'the count of heartbeats was not noted')
    }
  }

  /** A disk that cannot even say how full it is takes no new chunks. */
  async #stat(signal: AbortSignal): Promise<DiskStat> {
    const { disk, log } = this.#deps
    try {
      this.#lastStat = await abortable(disk.stat(), signal)
      if (!this.#isDiskWell) log.info({}, 'the disk answers again')
      this.#isDiskWell = true
      return this.#lastStat
    } catch (error) {
      if (this.#isDiskWell) log.error({ err: error }, 'the disk does not answer; the node takes no new chunks')
      this.#isDiskWell = false
      if (!this.#lastStat) throw error
      return { ...this.#lastStat, writable: false }
    }
  }
}
