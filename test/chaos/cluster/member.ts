/** One process of the cluster, started again whenever it ends, as a service manager would. */
export interface Member {
  readonly kind: 'gateway' | 'storage node' | 'PostgreSQL'
  /** `storage node 3`. */
  readonly name: string
  /** undefined while it is down. */
  readonly pid: number | undefined
  /** Resolves once it serves, be it again. Rejects, with what it said last, when it does not within a minute. */
  serving(): Promise<void>
  /** To the process, if it runs. SIGKILL is its end, SIGSTOP and SIGCONT are not. */
  signal(signal: NodeJS.Signals): void
  /** kill -9, and not started again until `start`. */
  stop(): Promise<void>
  /** After `stop`; also with other settings. Resolves once it serves. */
  start(env?: Readonly<Record<string, string>>): Promise<void>
}

/** Between the end of a process and its next start. */
export const RESTART_MS = 100
/** A machine with two cores, full of other processes, takes its time. */
export const SERVING_MS_MAX = 60_000
