/** What a job says of itself, and finds again after a crash: it is stored as JSON. */
export type Progress = object

/** The rows of the jobs as their runners need them. src/meta implements it. All times are by the database's clock. */
export interface JobCatalogue {
  /**
   * Takes the job for `leaseMs` if it is due, not paused, and nobody else's. Answers what it said of itself last;
   * undefined: there is nothing to run.
   */
  takeJob(lease: JobLease, signal: AbortSignal): Promise<{ progress: Progress } | undefined>
  /** Prolongs the lease and keeps the progress. `lost`: the lease ran out, another one may have it by now. */
  renewJob(
    lease: JobLease & { progress: Progress },
    signal: AbortSignal,
  ): Promise<'running' | 'asked to pause' | 'lost'>
  /** Ends the lease; the job is due again in `dueInMs`; Infinity: when it is asked for. */
  releaseJob(release: JobRelease, signal: AbortSignal): Promise<void>
}

export interface JobLease {
  name: string
  /** Which process it is. */
  runner: string
  leaseMs: number
}

export interface JobRelease {
  name: string
  runner: string
  progress: Progress
  dueInMs: number
  /** undefined: it went well. */
  error: string | undefined
}

/** A job as people see it. */
export interface JobState {
  name: string
  /** running: by a gateway that gave a sign of life in time. due: a gateway will take it at its next look. idle: not before it is asked for. */
  state: 'running' | 'paused' | 'due' | 'waiting' | 'idle'
  /** undefined: not before it is asked for. */
  dueAt: Date | undefined
  seenAt: Date | undefined
  progress: Progress
  error: string | undefined
}

/** What commands do with jobs. src/meta implements it. */
export interface JobControl {
  listJobs(signal: AbortSignal): Promise<JobState[]>
  /** A paused job stops within a third of its lease, and keeps its place. False: there is no such job. */
  pauseJob(job: { name: string; isPaused: boolean }, signal: AbortSignal): Promise<boolean>
  /** Makes it due now. False: there is no such job. */
  wakeJob(name: string, signal: AbortSignal): Promise<boolean>
}
