/** Time, passed in and never reached for, so that a test can run whole clusters on a clock of its own. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  nowMs(): number
  /** Resolves after `ms`; rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back after `ms`, unless disposed first. */
  after(ms: number, run: () => void): Disposable
}

/** Where the unpredictable comes from; seeded in simulations. */
export interface Random {
  /** An integer from 0 to below `bound` (at most 2^32). */
  integer(bound: number): number
  bytes(length: number): Buffer
}
