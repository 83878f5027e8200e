// Sends Sextant's traces to a collector by OTLP over HTTP (docs/monitoring.md). It is yours to change: sampling, exporter,
// headers. Beside it: npm install @opentelemetry/api @opentelemetry/context-async-hooks @opentelemetry/core \
//   @opentelemetry/exporter-trace-otlp-http @opentelemetry/resources @opentelemetry/sdk-trace
import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'

// The share of requests that are traced. Those whose client sends a `traceparent` follow it: it says whether they are.
const share = Number(process.env.OTEL_TRACES_SAMPLER_ARG ?? '0.01')

const provider = new TracerProvider({
  // gateway, or storage-node; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say more.
  resource: resourceFromAttributes({ 'service.name': `sextant-${process.argv[2]}`, 'process.pid': process.pid }).merge(
    detectResources({ detectors: [envDetector] }),
  ),
  sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
  // To OTEL_EXPORTER_OTLP_ENDPOINT, http://localhost:4318 if it is not set.
  spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
})

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(provider)

/** Called when the process ends: what waits is sent. */
export const shutdown = () => provider.shutdown()
