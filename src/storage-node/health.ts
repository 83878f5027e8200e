import { GrpcCode, OK } from '../base/rpc/grpc-status.ts'
import { MessageCollector } from '../base/rpc/message-reader.ts'
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthCheckResponse_ServingStatus as Serving,
} from '../gen/grpc/health/v1/health.ts'
import type { Method } from './rpc/server.ts'
import type { ServerCall } from './rpc/server-call.ts'

/** The whole node, and the one service that it has. https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
const SERVICES = new Set(['', 'sextant.chunk.v1.ChunkStore'])
const REQUEST_BYTES_MAX = 1024

export interface Health {
  check: Method
  watch: Method
  /** From here on NOT_SERVING; watchers are told, and let go. */
  stop(): void
}

export function nodeHealth(): Health {
  /** Those that watch a service that there is. */
  const watchers = new Set<ServerCall>()
  let serving: Serving = Serving.SERVING
  const tell = (call: ServerCall, status: Serving) => call.send([HealthCheckResponse.encode({ status }).finish()])
  return {
    check: asked((call, service) => {
      if (!SERVICES.has(service)) return call.finish({ code: GrpcCode.notFound, details: 'no such service' })
      tell(call, serving)
      call.finish(OK)
    }),
    watch: asked(
      (call, service) => {
        const isKnown = SERVICES.has(service)
        tell(call, isKnown ? serving : Serving.SERVICE_UNKNOWN)
        if (serving === Serving.NOT_SERVING) call.finish(OK)
        else if (isKnown) watchers.add(call)
      },
      (call) => watchers.delete(call),
    ),
    stop() {
      serving = Serving.NOT_SERVING
      for (const watcher of watchers) {
        tell(watcher, serving)
        watcher.finish(OK)
      }
      watchers.clear()
    },
  }
}

/** A method that is asked about a service. */
function asked(
  answer: (call: ServerCall, service: string) => void,
  onCancelled: (call: ServerCall) => void = () => {},
): Method {
  return (call) => {
    let isAsked = false
    const onMessage = (message: Buffer) => {
      if (isAsked) return
      isAsked = true
      answer(call, serviceOf(message))
    }
    call.start({
      messages: new MessageCollector({
        bytesMax: REQUEST_BYTES_MAX,
        allocate: (n) => Buffer.allocUnsafe(n),
        onMessage,
      }),
      onEnd() {
        if (!isAsked) call.finish({ code: GrpcCode.invalidArgument, details: 'a call without a request' })
      },
      onCancelled: () => onCancelled(call),
    })
  }
}

/** What cannot be read is a service that nobody has. */
function serviceOf(message: Buffer): string {
  try {
    return HealthCheckRequest.decode(message).service
  } catch {
    return '?'
  }
}
