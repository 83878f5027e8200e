import { GrpcCode, OK } from '../base/rpc/grpc-status.ts'
import { MessageCollector } from '../base/rpc/message-reader.ts'
import {
  batchResponseMessage,
  type ReceivedCall,
  readBatchRequest,
  type WireReply,
} from '../base/wire/batch-messages.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import { placeMessage } from '../base/wire/chunk-place.ts'
import { ChunkStatus } from '../gen/sextant/chunk/v1/chunk.ts'
import type { NodeContext } from './context.ts'
import { invalid, parseChunkId, parseHeader, parseTrailer } from './requests.ts'
import { refusal } from './rpc/answer.ts'
import type { Method } from './rpc/server.ts'
import type { ServerCall } from './rpc/server-call.ts'
import { isUnforeseen, toChunkStatus } from './status.ts'

/** The long-lived stream of small puts and gets. */
export interface Batches {
  method: Method
  /** Lets calls under way finish, then ends every stream with UNAVAILABLE: a node that stops. */
  drain(): void
}

/** Room for the fields around the payload of a message of the largest size. */
const MESSAGE_SLACK_BYTES = 64 * 1024

export function batches(context: NodeContext): Batches {
  const open = new Set<BatchStream>()
  return {
    method(call) {
      const stream = new BatchStream(context, call, () => open.delete(stream))
      open.add(stream)
    },
    drain() {
      for (const stream of open) stream.drain()
    },
  }
}

const NOTHING = Buffer.alloc(0)

interface ReadyReply extends WireReply {
  lent: Buffer | undefined
}

/** All calls of a message run at once, replies go out as they are ready. */
class BatchStream {
  readonly #context: NodeContext
  readonly #call: ServerCall
  readonly #onOver: () => void
  #ready: ReadyReply[] = []
  #isFlushDue = false
  #isWriting = false
  #running = 0
  #runningBytes = 0
  /** No more calls are taken. */
  #isEnding = false
  #hasAll = false
  #isOver = false

  constructor(context: NodeContext, call: ServerCall, onOver: () => void) {
    this.#context = context
    this.#call = call
    this.#onOver = onOver
    call.start({
      messages: new MessageCollector({
        bytesMax: wireBounds.messageBytesMax + MESSAGE_SLACK_BYTES,
        allocate: (bytes) => context.buffers.take(bytes),
        onMessage: (message) => this.#receive(message),
      }),
      onEnd: () => {
        this.#hasAll = true
        this.#finish()
      },
      onCancelled: () => this.#close(),
    })
    call.accept()
  }

  drain(): void {
    this.#isEnding = true
    this.#finish()
  }

  #receive(message: Buffer): void {
    if (this.#isEnding || this.#isOver) {
      this.#context.buffers.give(message)
      return
    }
    let calls: ReceivedCall[]
    try {
      calls = readBatchRequest(message, wireBounds.batchCallsMax)
    } catch (error) {
      this.#call.finish(refusal(this.#context, this.#call.path, error))
      this.#close()
      return
    }
    // Calls hold views of the message; with the last one its memory is used again.
    let holders = calls.length
    const letGo = () => {
      holders -= 1
      if (holders <= 0) this.#context.buffers.give(message)
    }
    if (calls.length === 0) letGo()
    for (const call of calls) this.#start(call, letGo)
    if (this.#isFull()) this.#call.pause()
  }

  #isFull(): boolean {
    const { batchCallsRunningMax, batchBytesRunningMax } = this.#context.tuning
    return this.#running >= batchCallsRunningMax || this.#runningBytes >= batchBytesRunningMax
  }

  #start(call: ReceivedCall, letGo: () => void): void {
    const bytes = call.put?.payload.length ?? Math.min(call.get?.length ?? 0, wireBounds.getBytesMax)
    this.#running += 1
    this.#runningBytes += bytes
    const { callId } = call
    /** For what is read: lent until the reply is with the kernel. */
    const isRead = call.get && !call.get.where && call.get.length <= wireBounds.getBytesMax
    const lent = isRead ? this.#context.buffers.take(bytes) : undefined
    const { tracer } = this.#context
    const run = () => this.#run(call, lent)
    const done = tracer && call.traceparent !== undefined ? tracer.within(call.traceparent, run) : run()
    done.then(
      (payload) => {
        letGo()
        this.#reply({ callId, status: ChunkStatus.CHUNK_STATUS_OK, payload, message: '' }, bytes, lent)
      },
      (error) => {
        letGo()
        if (isUnforeseen(error)) refusal(this.#context, this.#call.path, error)
        this.#reply({ callId, payload: NOTHING, ...toChunkStatus(error) }, bytes, lent)
      },
    )
  }

  async #run({ put, get }: ReceivedCall, into: Buffer | undefined): Promise<Buffer> {
    const { disk } = this.#context
    if (put) {
      const header = parseHeader(put.header)
      await disk.put(header, put.payload, parseTrailer(put.trailer))
      return placeMessage(disk.locate(header.chunkId))
    }
    if (!get) throw invalid('a call of a kind that is not known')
    if (get.where) return placeMessage(disk.locate(parseChunkId(get.chunkId)))
    if (get.length > wireBounds.getBytesMax) throw invalid(`more than ${wireBounds.getBytesMax} bytes in a batched get`)
    return await disk.read(parseChunkId(get.chunkId), get.offset, get.length, into)
  }

  /** Replies that are ready in the same turn of the event loop share a message: a put's fdatasync wakes many at once. */
  #reply(reply: WireReply, bytes: number, lent: Buffer | undefined): void {
    this.#running -= 1
    this.#runningBytes -= bytes
    if (this.#isOver) return
    this.#ready.push({ ...reply, lent })
    if (this.#isFlushDue || this.#isWriting) return
    this.#isFlushDue = true
    setImmediate(() => {
      this.#isFlushDue = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#isOver || this.#isWriting) return
    if (this.#ready.length === 0) {
      this.#finish()
      return
    }
    this.#isWriting = true
    const replies = this.#takeReady()
    this.#call.send(batchResponseMessage(replies), () => {
      for (const { lent } of replies) if (lent) this.#context.buffers.give(lent)
      this.#isWriting = false
      this.#flush()
    })
    if (this.#call.isPaused && !this.#isFull()) this.#call.resume()
  }

  #takeReady(): ReadyReply[] {
    let bytes = 0
    let count = 0
    while (count < this.#ready.length && bytes < this.#context.tuning.replyBytesMax) {
      bytes += this.#ready[count]!.payload.length
      count += 1
    }
    return this.#ready.splice(0, count)
  }

  /** Ends the stream once it takes no more calls and has answered all. */
  #finish(): void {
    if (this.#isOver || this.#running > 0 || this.#isWriting || this.#ready.length > 0) return
    if (!this.#isEnding && !this.#hasAll) return
    this.#call.finish(this.#isEnding ? { code: GrpcCode.unavailable, details: 'the node is stopping' } : OK)
    this.#close()
  }

  #close(): void {
    this.#isOver = true
    this.#ready = []
    this.#onOver()
  }
}
