import type { handleClientStreamingCall, ServerReadableStream } from '@grpc/grpc-js'
import { ChunkError } from '../base/faults.ts'
import { IdleTimer } from '../base/idle-timer.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { WireError } from '../base/wire/protobuf.ts'
import type { PutFrame } from '../base/wire/stream-messages.ts'
import type { PutChunkResponse } from '../gen/sextant/chunk/v1/chunk.ts'
import { refusal } from './answer.ts'
import type { NodeContext } from './context.ts'
import type { ChunkSink } from './ports.ts'
import { invalid, parsed, parseHeader, parseTrailer } from './requests.ts'
import { readOneAhead } from './transport.ts'

type PutCall = ServerReadableStream<PutFrame | WireError, PutChunkResponse>

/** One large chunk. Answers when it is durable; a stream that ends in any other way leaves nothing. */
export function putChunk(context: NodeContext): handleClientStreamingCall<PutFrame | WireError, PutChunkResponse> {
  return (call, callback) => {
    readOneAhead(call)
    receive(context, call).then(
      () => callback(null, {}),
      (error) => {
        if (!call.cancelled) callback(refusal(context, call.getPath(), error))
      },
    )
  }
}

async function receive({ disk, clock, tuning }: NodeContext, call: PutCall): Promise<void> {
  using idle = new IdleTimer(clock, tuning.putIdleMs, () => {
    call.destroy(new ChunkError('aborted', `nothing came for ${tuning.putIdleMs} ms`))
  })
  // A caller that is gone is waited for no longer, even while a slow disk holds this function up.
  call.once('cancelled', () => idle[Symbol.dispose]())
  const frames = call.iterator({ destroyOnReturn: false }) as AsyncIterator<PutFrame | WireError>
  const next = async (): Promise<PutFrame> => {
    idle.begin()
    const result = await frames.next()
    idle.end()
    if (result.done) throw invalid('the stream ended without a trailer')
    return parsed(result.value)
  }
  const first = await next()
  if (first.kind !== 'header') throw invalid('a chunk begins with its header')
  await using sink = await disk.create(parseHeader(first.header))
  await receivePayload(sink, next)
}

async function receivePayload(sink: ChunkSink, next: () => Promise<PutFrame>): Promise<void> {
  for (;;) {
    const frame = await next()
    if (frame.kind === 'trailer') return await sink.commit(parseTrailer(frame.trailer))
    if (frame.kind !== 'payload') throw invalid('payload or a trailer was expected')
    if (frame.payload.length > wireBounds.pieceBytesMax) throw invalid('a piece of payload is too long')
    await sink.write(frame.payload)
  }
}
