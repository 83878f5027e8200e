import type { Clock } from '../base/clock.ts'

export interface Stragglers {
  clock: Clock
  /** How much longer than the others they may take, in ms. */
  graceMs: number
  /** More than so many are not given up: then everything is slow. Asked when it comes to that. */
  countMax(): number
  /** Has to settle this work, or to begin it anew; what is not settled then has `graceMs` once more. */
  giveUp(indexes: readonly number[]): void
}

/**
 * Resolves when all of `work` is settled. What takes much longer than the rest is given up: not what is slow, but what is
 * slower than its peers, so that a load that slows all of them down gives up nobody. In the way of every upload: as long as
 * nobody is late, it costs a timer and little else.
 */
export async function settleTogether(
  work: readonly (Promise<unknown> | undefined)[],
  stragglers: Stragglers,
): Promise<void> {
  const { promise: allSettled, resolve } = Promise.withResolvers<void>()
  let pending = 0
  let watch: Watch | undefined
  const settled = () => {
    pending -= 1
    if (pending === 0) resolve()
    else if (!watch && pending <= stragglers.countMax()) watch = new Watch(work, stragglers)
  }
  for (const one of work) {
    if (!one) continue
    pending += 1
    one.then(settled, settled)
  }
  if (pending === 0) return
  if (pending <= stragglers.countMax()) watch = new Watch(work, stragglers)
  await allSettled
  watch?.[Symbol.dispose]()
}

/** Gives up what is pending still when the time is over, again and again until it is disposed. */
class Watch implements Disposable {
  readonly #work: readonly (Promise<unknown> | undefined)[]
  readonly #stragglers: Stragglers
  #timer!: Disposable
  #isOver = false

  constructor(work: readonly (Promise<unknown> | undefined)[], stragglers: Stragglers) {
    this.#work = work
    this.#stragglers = stragglers
    this.#wait()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    this.#timer[Symbol.dispose]()
  }

  /** In two halves: a process that stood still itself hears what came meanwhile before the second is over. */
  #wait(): void {
    const { clock, graceMs } = this.#stragglers
    this.#timer = clock.after(graceMs / 2, () => {
      this.#timer = clock.after(graceMs / 2, () => void this.#giveUp())
    })
  }

  async #giveUp(): Promise<void> {
    const states = await Promise.all(this.#work.map(isPending))
    if (this.#isOver) return
    const late = states.flatMap((isLate, index) => (isLate ? [index] : []))
    if (late.length <= this.#stragglers.countMax()) this.#stragglers.giveUp(late)
    this.#wait()
  }
}

async function isPending(work: Promise<unknown> | undefined): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([work, Promise.resolve(pending)]).catch(() => undefined)) === pending
}
