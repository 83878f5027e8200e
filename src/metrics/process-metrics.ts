import { readdir } from 'node:fs/promises'
import { basename } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from '../base/clock.ts'
import { type Family, family, inGroup, single } from './metric.ts'

const { counter, gauge } = inGroup('Process')

/** Names as Prometheus' own clients have them, so that ready-made dashboards find them. */
export const processMetrics = {
  build: gauge({ name: 'sextant_build_info', labels: ['version', 'node'], about: 'Always 1: the versions that run.' }),
  started: gauge({ name: 'process_start_time_seconds', about: 'When the process began, since 1970.' }),
  cpu: counter({ name: 'process_cpu_seconds_total', about: 'CPU time, user and system.' }),
  resident: gauge({ name: 'process_resident_memory_bytes', about: 'Memory that the kernel has given it.' }),
  files: gauge({ name: 'process_open_fds', about: 'Open files and sockets.' }),
  heap: gauge({ name: 'nodejs_heap_size_used_bytes', about: "What lives in V8's heap." }),
  heapTotal: gauge({ name: 'nodejs_heap_size_total_bytes', about: "V8's heap." }),
  external: gauge({ name: 'nodejs_external_memory_bytes', about: 'Buffers and other memory outside of the heap.' }),
  lagMedian: gauge({
    name: 'nodejs_eventloop_lag_p50_seconds',
    about: 'How late the event loop was, in the middle, since it was asked last. Everything waits for it.',
  }),
  lagP99: gauge({ name: 'nodejs_eventloop_lag_p99_seconds', about: 'What 99 of 100 looks did not exceed.' }),
  lagMax: gauge({ name: 'nodejs_eventloop_lag_max_seconds', about: 'The worst of them.' }),
  busy: counter({
    name: 'nodejs_eventloop_busy_seconds_total',
    about: 'How long the event loop worked rather than waited: its rate is 1 when a process can do no more.',
  }),
} as const

/** Between two looks at the event loop, in ms: each wakes the process. */
const LOOK_MS = 100

/** What a process says of itself. Disposed, the event loop is no longer watched. */
export interface ProcessWatch extends Disposable {
  collect(): Promise<Family[]>
}

export function watchProcess({ version, clock }: { version: string; clock: Clock }): ProcessWatch {
  const delay = monitorEventLoopDelay({ resolution: LOOK_MS })
  delay.enable()
  const startedSeconds = clock.nowMs() / 1000 - process.uptime()
  /** Beyond the pause between looks; before the first look there is nothing to tell. */
  const lag = (nanoseconds: number) => (delay.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - LOOK_MS / 1000))
  return {
    async collect() {
      const { user, system } = process.cpuUsage()
      const memory = process.memoryUsage()
      const families = [
        family(processMetrics.build, [[[version, process.version], 1]]),
        single(processMetrics.started, startedSeconds),
        single(processMetrics.cpu, (user + system) / 1e6),
        single(processMetrics.resident, memory.rss),
        single(processMetrics.heap, memory.heapUsed),
        single(processMetrics.heapTotal, memory.heapTotal),
        single(processMetrics.external, memory.external),
        single(processMetrics.lagMedian, lag(delay.percentile(50))),
        single(processMetrics.lagP99, lag(delay.percentile(99))),
        single(processMetrics.lagMax, lag(delay.max)),
        single(processMetrics.busy, performance.eventLoopUtilization().active / 1000),
        ...(await countFiles()),
      ]
      delay.reset()
      return families
    },
    [Symbol.dispose]: () => void delay.disable(),
  }
}

/** What a process is called in the label `process`: as its socket is, or by what it does. */
export function processName({ metricsSocket }: { metricsSocket: string | undefined }, kind: string): string {
  return metricsSocket === undefined ? kind : basename(metricsSocket, '.sock')
}

/** Nothing where the system does not tell. */
async function countFiles(): Promise<Family[]> {
  try {
    return [single(processMetrics.files, (await readdir('/proc/self/fd')).length)]
  } catch {
    return []
  }
}
