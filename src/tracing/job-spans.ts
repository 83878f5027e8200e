import type { Job } from '../upkeep/job-runner.ts'
import { noteFailure, type Spans } from './spans.ts'

/** A span for each run; none for what it does, which may be millions of calls. */
export function tracedJob({ tracer }: Spans, job: Job): Job {
  return {
    name: job.name,
    async work(run, signal) {
      const span = tracer.startSpan(`job ${job.name}`, { root: true, attributes: { 'sextant.job': job.name } })
      try {
        return await job.work(run, signal)
      } catch (error) {
        if (signal.aborted) span.setAttribute('sextant.given_up', true)
        else noteFailure(span, error)
        throw error
      } finally {
        span.end()
      }
    },
  }
}
