import type { handleServerStreamingCall, handleUnaryCall, ServerWritableStream } from '@grpc/grpc-js'
import { ChunkError } from '../base/faults.ts'
import type { WireError } from '../base/wire/protobuf.ts'
import type { NodeContext } from './context.ts'
import { parsed } from './requests.ts'
import { isUnforeseen, toCallStatus } from './status.ts'

/** A handler of one request and one answer: what `run` throws becomes the call's status. */
export function answerOnce<Q, S>(
  context: NodeContext,
  run: (context: NodeContext, request: Q) => Promise<S>,
): handleUnaryCall<Q | WireError, S> {
  return (call, callback) => {
    const answer = async () => await run(context, parsed(call.request))
    answer().then(
      (response) => callback(null, response),
      (error) => callback(refusal(context, call.getPath(), error)),
    )
  }
}

/** Sends one message; resolves when the transport has taken it (back-pressure), rejects when the caller is gone. */
export type Send<S> = (message: S) => Promise<void>

/** A handler of one request and a stream of answers. `run` ends early, by a rejected `send`, when the caller is gone. */
export function answerMany<Q, S>(
  context: NodeContext,
  run: (context: NodeContext, request: Q, send: Send<S>) => Promise<void>,
): handleServerStreamingCall<Q | WireError, S> {
  return (call) => {
    const answer = async () => await run(context, parsed(call.request), (message) => send(call, message))
    answer().then(
      () => call.end(),
      (error) => {
        if (!call.destroyed && !call.cancelled) call.emit('error', refusal(context, call.getPath(), error))
      },
    )
  }
}

/** A call's refusal, with a line in the log when nobody foresaw it. */
export function refusal({ log }: NodeContext, path: string, error: unknown): ReturnType<typeof toCallStatus> {
  if (isUnforeseen(error)) log.error({ err: error, call: path }, 'a call failed for a reason that was not foreseen')
  return toCallStatus(error)
}

function send<Q, S>(call: ServerWritableStream<Q, S>, message: S): Promise<void> {
  return new Promise((resolve, reject) => {
    if (call.cancelled || call.destroyed) return reject(new ChunkError('aborted', 'the caller is gone'))
    call.write(message, (error: Error | null | undefined) => {
      if (error) reject(new ChunkError('aborted', 'the caller is gone', { cause: error }))
      else resolve()
    })
  })
}
