import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServerWritableStream,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Serving,
} from '../gen/grpc/health/v1/health.ts'

/** The whole node, and the one service that it has. https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
const SERVICES = new Set(['', 'sextant.chunk.v1.ChunkStore'])

type Watcher = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>

export interface Health {
  service: UntypedServiceImplementation
  /** From here on NOT_SERVING; watchers are told, and let go. */
  stop(): void
}

export function nodeHealth(): Health {
  const watchers = new Set<Watcher>()
  let serving: Serving = Serving.SERVING
  const check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse> = (call, callback) => {
    if (SERVICES.has(call.request.service)) callback(null, { status: serving })
    else callback({ code: status.NOT_FOUND, details: 'no such service' })
  }
  const watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse> = (call) => {
    const isKnown = SERVICES.has(call.request.service)
    call.write({ status: isKnown ? serving : Serving.SERVICE_UNKNOWN })
    if (serving === Serving.NOT_SERVING) {
      call.end()
      return
    }
    watchers.add(call)
    call.once('close', () => watchers.delete(call))
  }
  return {
    service: { check, watch },
    stop() {
      serving = Serving.NOT_SERVING
      for (const watcher of watchers) {
        if (SERVICES.has(watcher.request.service)) watcher.write({ status: serving })
        watcher.end()
      }
    },
  }
}
