import { filePath, flag } from './config-kinds.ts'
import { inGroup } from './config-setting.ts'

const tracing = inGroup('Traces')

/** Settings of traces by OpenTelemetry (docs/monitoring.md). */
export const tracingSettings = {
  tracingModule: tracing({
    name: 'SEXTANT_TRACING_MODULE',
    kind: filePath(4096),
    default: undefined,
    readBy: ['gateway', 'storage-node'],
    about:
      'A JavaScript module that registers an SDK of OpenTelemetry, loaded by gateways and storage nodes when they start: where traces are sent, and which, is up to it. What it exports as `shutdown` is called when the process ends. Not set: there are no traces. deploy/tracing has one.',
  }),
  tracesNameKeys: tracing({
    name: 'SEXTANT_TRACES_NAME_KEYS',
    kind: flag,
    default: 'false',
    readBy: ['gateway'],
    about: "Whether traces tell the objects' keys, beside the buckets, which they tell in any case.",
  }),
} as const
