/** Tells of a step of a process; if it dies there, what it answers never settles. */
export type Reach = (step: string) => Promise<void>

/** Whom to kill where: the `nth` time that this step is reached. */
export interface PlannedKill {
  step: string
  nth: number
}

/** The named steps of what processes do, how often each was reached, and how often somebody was killed there. */
export class Steps {
  readonly reached = new Map<string, number>()
  readonly kills = new Map<string, number>()
  readonly #mayKill: (step: string) => boolean
  /** The times at which somebody is to die, by step. */
  readonly #plan: ReadonlyMap<string, readonly number[]>
  #isArmed = true

  /** `mayKill`: asked at every step, besides the plan. */
  constructor(mayKill: (step: string) => boolean, plan: readonly PlannedKill[] = []) {
    this.#mayKill = mayKill
    const byStep = Map.groupBy(plan, ({ step }) => step)
    this.#plan = new Map(Array.from(byStep, ([step, kills]) => [step, kills.map(({ nth }) => nth)]))
  }

  /** Whether the process dies here. */
  reach(step: string): boolean {
    const count = (this.reached.get(step) ?? 0) + 1
    this.reached.set(step, count)
    if (!this.#isArmed) return false
    if (!this.#plan.get(step)?.includes(count) && !this.#mayKill(step)) return false
    this.kills.set(step, (this.kills.get(step) ?? 0) + 1)
    return true
  }

  /** From now on nobody dies. */
  disarm(): void {
    this.#isArmed = false
  }
}
