import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { ChunkDamage, DamageReports } from '../engine/ports/damage-reports.ts'
import type { RepairCatalogue } from './ports/repair.ts'

/** Reports that wait to be written down; what comes on top is dropped, for the next read or the scrub finds it again. */
const WAITING_MAX = 10_000
/** Reports in one statement. */
const REPORTS_AT_ONCE = 500
/** Reports that come close together are written down together. */
const GATHER_MS = 500
const RETRY_MS = 5_000
/** What was told is not told again for so long, however many reads meet it. */
const TOLD_MS = 60_000
const TOLD_MAX = 20_000

export interface DamageReportsDeps {
  catalogue: Pick<RepairCatalogue, 'queueDamage'>
  clock: Clock
  log: Log
}

/** Puts the chunks that reads find missing or rotten on the repair queue, behind the requests' backs. */
export function startDamageReports(deps: DamageReportsDeps): DamageReports & AsyncDisposable {
  return new Reports(deps)
}

class Reports implements DamageReports, AsyncDisposable {
  readonly #deps: DamageReportsDeps
  readonly #waiting = new Map<string, ChunkDamage>()
  /** When each was told, the oldest first. */
  readonly #told = new Map<string, number>()
  readonly #stop = new AbortController()
  #timer: Disposable | undefined
  #writing: Promise<void> = Promise.resolve()

  constructor(deps: DamageReportsDeps) {
    this.#deps = deps
  }

  reportDamage(damage: ChunkDamage): void {
    const name = `${damage.partId}/${damage.index}/${damage.server}`
    const toldMs = this.#told.get(name)
    if (toldMs !== undefined && this.#deps.clock.nowMs() - toldMs < TOLD_MS) return
    if (this.#waiting.size >= WAITING_MAX || this.#stop.signal.aborted) return
    const { partId, index, server, why } = damage
    this.#waiting.set(name, { partId, index, server, why })
    this.#writeSoon(GATHER_MS)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'))
    this.#timer?.[Symbol.dispose]()
    await this.#writing
  }

  #writeSoon(ms: number): void {
    if (this.#stop.signal.aborted) return
    this.#timer ??= this.#deps.clock.after(ms, () => {
      this.#writing = this.#write()
    })
  }

  async #write(): Promise<void> {
    const batch = new Map([...this.#waiting].slice(0, REPORTS_AT_ONCE))
    let pauseMs = GATHER_MS
    try {
      await this.#deps.catalogue.queueDamage([...batch.values()], this.#stop.signal)
      for (const name of batch.keys()) this.#noteTold(name)
    } catch (error) {
      pauseMs = RETRY_MS
      if (!this.#stop.signal.aborted) {
        this.#deps.log.warn(
          { chunks: batch.size, reason: String(error) },
          'damaged chunks could not be queued for repair',
        )
      }
    }
    this.#timer = undefined
    if (this.#waiting.size > 0) this.#writeSoon(pauseMs)
  }

  #noteTold(name: string): void {
    this.#waiting.delete(name)
    this.#told.delete(name)
    this.#told.set(name, this.#deps.clock.nowMs())
    if (this.#told.size > TOLD_MAX) this.#told.delete(this.#told.keys().next().value!)
  }
}
