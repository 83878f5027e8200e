import { callMetrics } from './call-metrics.ts'
import { databaseMetrics } from './database-metrics.ts'
import { diskMetrics } from './disk-metrics.ts'
import { memoryMetrics } from './memory-metrics.ts'
import type { Metric } from './metric.ts'
import { postgresMetrics } from './postgres-metrics.ts'
import { processMetrics } from './process-metrics.ts'
import { requestMetrics } from './request-metrics.ts'
import { safetyMetrics } from './safety-metrics.ts'
import { serverMetrics } from './server-metrics.ts'
import { storeMetrics } from './store-metrics.ts'

/** Metrics of one process: /metrics names it by the label `process`. */
export const processTable: readonly Metric[] = [
  requestMetrics,
  memoryMetrics,
  callMetrics,
  databaseMetrics,
  diskMetrics,
  processMetrics,
].flatMap((group) => Object.values<Metric>(group))

/** Metrics of the whole store: every gateway tells the same. */
export const storeTable: readonly Metric[] = [storeMetrics, serverMetrics, safetyMetrics, postgresMetrics].flatMap(
  (group) => Object.values<Metric>(group),
)

/** All that /metrics may show, in that order. */
export const metricTable: readonly Metric[] = [...storeTable, ...processTable]
