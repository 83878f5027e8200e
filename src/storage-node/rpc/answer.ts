import { ChunkError } from '../../base/faults.ts'
import { type CallStatus, GrpcCode, OK } from '../../base/rpc/grpc-status.ts'
import { MessageCollector } from '../../base/rpc/message-reader.ts'
import { wireBounds } from '../../base/wire/bounds.ts'
import type { NodeContext } from '../context.ts'
import { invalid } from '../requests.ts'
import { isUnforeseen, toCallStatus } from '../status.ts'
import type { Method } from './server.ts'
import type { ServerCall } from './server-call.ts'

/** A message type of the generated code. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array }
  decode(bytes: Uint8Array): T
}

/** A method of one request and one answer: what `run` throws becomes the call's status. */
export function answerOnce<Q, S>(
  context: NodeContext,
  { request, response }: { request: Codec<Q>; response: Codec<S> },
  run: (context: NodeContext, request: Q) => Promise<S>,
): Method {
  return oneRequest(context, request, async (message, call) => {
    call.send([response.encode(await run(context, message)).finish()])
  })
}

/** Sends one message; resolves when the kernel has taken it (back-pressure), rejects when the caller is gone. */
export type Send<S> = (message: S) => Promise<void>

/** A method of one request and a stream of answers. `run` ends early, by a rejected `send`, when the caller is gone. */
export function answerMany<Q, S>(
  context: NodeContext,
  { request, response }: { request: Codec<Q>; response: (message: S) => Uint8Array[] },
  run: (context: NodeContext, request: Q, send: Send<S>) => Promise<void>,
): Method {
  return oneRequest(context, request, (message, call) =>
    run(context, message, (answer) => sent(call, response(answer))),
  )
}

/** Collects the one request of a call, then lets `run` answer it. */
function oneRequest<Q>(
  context: NodeContext,
  codec: Codec<Q>,
  run: (message: Q, call: ServerCall) => Promise<void>,
): Method {
  return (call) => {
    let received: Buffer | undefined
    const answer = async (): Promise<CallStatus> => {
      if (!received) throw invalid('a call without a request')
      await run(decode(codec, received), call)
      return OK
    }
    call.start({
      messages: new MessageCollector({
        bytesMax: wireBounds.messageBytesMax,
        allocate: (bytes) => Buffer.allocUnsafe(bytes),
        onMessage(message) {
          if (received) call.finish({ code: GrpcCode.invalidArgument, details: 'more than one request' })
          received = message
        },
      }),
      onEnd() {
        answer().then(
          (status) => call.finish(status),
          (error) => {
            if (!call.isOver) call.finish(refusal(context, call.path, error))
          },
        )
      },
      onCancelled() {},
    })
  }
}

function decode<Q>(codec: Codec<Q>, message: Buffer): Q {
  try {
    return codec.decode(message)
  } catch (error) {
    throw invalid(`malformed message: ${(error as Error).message}`)
  }
}

/** A call's refusal, with a line in the log when nobody foresaw it. */
export function refusal({ log }: NodeContext, path: string, error: unknown): CallStatus {
  if (isUnforeseen(error)) log.error({ err: error, call: path }, 'a call failed for a reason that was not foreseen')
  return toCallStatus(error)
}

export function sent(call: ServerCall, pieces: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve, reject) => {
    if (call.isOver) return reject(new ChunkError('aborted', 'the caller is gone'))
    call.send(pieces, (error) => {
      if (error) reject(new ChunkError('aborted', 'the caller is gone', { cause: error }))
      else resolve()
    })
  })
}
