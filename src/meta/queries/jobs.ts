import type { JobLease, JobRelease, JobState, Progress } from '../../upkeep/ports/jobs.ts'
import { statement } from '../statement.ts'

export const takeJob = statement({
  name: 'take_job_v1',
  text: /* sql */ `
    update jobs set runner = $2, lease_until = clock_timestamp() + make_interval(secs => $3::float8 / 1000),
                    seen_at = clock_timestamp()
     where name = $1 and not is_paused and due_at <= clock_timestamp()
       and (lease_until <= clock_timestamp() or runner = $2)
    returning progress`,
  bind: (l: JobLease) => [l.name, l.runner, l.leaseMs],
  row: (r) => ({ progress: r.progress as Progress }),
})

export const renewJob = statement({
  name: 'renew_job_v1',
  text: /* sql */ `
    update jobs set lease_until = clock_timestamp() + make_interval(secs => $3::float8 / 1000), progress = $4,
                    seen_at = clock_timestamp()
     where name = $1 and runner = $2 and lease_until > clock_timestamp()
    returning is_paused`,
  bind: (l: JobLease & { progress: Progress }) => [l.name, l.runner, l.leaseMs, JSON.stringify(l.progress)],
  row: (r) => (r.is_paused ? 'asked to pause' : 'running'),
})

export const releaseJob = statement({
  name: 'release_job_v2',
  text: /* sql */ `
    update jobs set lease_until = '-infinity', runner = null, progress = $3, error = $5, seen_at = clock_timestamp(),
                    due_at = case $4::float8 when 'infinity' then 'infinity'
                    else clock_timestamp() + make_interval(secs => $4::float8 / 1000) end
     where name = $1 and runner = $2`,
  bind: (r: JobRelease) => [r.name, r.runner, JSON.stringify(r.progress), r.dueInMs, r.error ?? null],
  row: () => undefined,
})

export const listJobs = statement({
  name: 'list_jobs_v2',
  text: /* sql */ `
    select j.name, nullif(j.due_at, 'infinity') as due_at, j.seen_at, j.progress, j.error,
           case when j.lease_until > clock_timestamp() and not j.is_paused then 'running'
                when j.is_paused then 'paused'
                when j.due_at <= clock_timestamp() then 'due'
                when j.due_at = 'infinity' then 'idle'
                else 'waiting' end as state
      from jobs j order by j.name`,
  bind: (_: undefined) => [],
  row: (r): JobState => ({
    name: r.name as string,
    state: r.state as JobState['state'],
    dueAt: (r.due_at ?? undefined) as Date | undefined,
    seenAt: (r.seen_at ?? undefined) as Date | undefined,
    progress: r.progress as Progress,
    error: (r.error ?? undefined) as string | undefined,
  }),
})

export const pauseJob = statement({
  name: 'pause_job_v1',
  text: 'update jobs set is_paused = $2 where name = $1 returning name',
  bind: (j: { name: string; isPaused: boolean }) => [j.name, j.isPaused],
  row: () => true,
})

export const wakeJob = statement({
  name: 'wake_job_v1',
  text: 'update jobs set due_at = least(due_at, clock_timestamp()) where name = $1 returning name',
  bind: (name: string) => [name],
  row: () => true,
})
