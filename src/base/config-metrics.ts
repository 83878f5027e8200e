import { filePath, integer, listOf, seconds } from './config-kinds.ts'
import { inGroup, s3Side } from './config-setting.ts'

const metrics = inGroup('Metrics')
/** Of a Unix socket's path: 107 on Linux, 103 on macOS. */
const SOCKET_PATH_BYTES_MAX = 104

/** Settings of /metrics (docs/monitoring.md). */
export const metricsSettings = {
  reportPeriodMs: metrics({
    name: 'SEXTANT_REPORT_PERIOD_SECONDS',
    kind: seconds({ min: 1, max: 86_400 }),
    default: '60',
    readBy: s3Side,
    about:
      'How often one gateway gathers what metrics tell of the whole store and costs more than a look: how safe the data is, what waits, how large the tables are. All gateways tell what it found.',
  }),
  nodeMetricsPort: metrics({
    name: 'SEXTANT_NODE_METRICS_PORT',
    kind: integer({ min: 0, max: 65_535 }),
    default: undefined,
    readBy: ['storage-node'],
    about:
      "The port of a storage node's own /metrics and /health/live, on the address of SEXTANT_NODE_HOST; 0 for any free one. Not set: there is none.",
  }),
  metricsSocket: metrics({
    name: 'SEXTANT_METRICS_SOCKET',
    kind: filePath(SOCKET_PATH_BYTES_MAX),
    default: undefined,
    readBy: ['gateway', 'storage-node'],
    about:
      'A Unix socket at which a process tells its metrics to the gateway that serves /metrics for its host. There it is called as the file is, without `.sock`. `sextant up` sets one for each of its processes.',
  }),
  metricsPeers: metrics({
    name: 'SEXTANT_METRICS_PEERS',
    kind: listOf(filePath(SOCKET_PATH_BYTES_MAX)),
    default: undefined,
    readBy: ['gateway'],
    about: 'The sockets of SEXTANT_METRICS_SOCKET that a gateway asks when it is asked for /metrics.',
  }),
} as const
