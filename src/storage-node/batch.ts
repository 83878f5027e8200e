import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js'
import { Metadata, status } from '@grpc/grpc-js'
import { BatchResponseMessage, type ReceivedCall, type WireReply } from '../base/wire/batch-messages.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import { WireError } from '../base/wire/protobuf.ts'
import { ChunkStatus } from '../gen/sextant/chunk/v1/chunk.ts'
import { refusal } from './answer.ts'
import type { NodeContext } from './context.ts'
import { invalid, parseChunkId, parseHeader, parseTrailer } from './requests.ts'
import { isUnforeseen, toChunkStatus } from './status.ts'
import { readOneAhead } from './transport.ts'

type BatchCallStream = ServerDuplexStream<ReceivedCall[] | WireError, BatchResponseMessage>

/** The streams that are open, so that a node that stops can finish them. */
export interface OpenBatches {
  /** Lets calls under way finish, then ends every stream with UNAVAILABLE. */
  drain(): void
}

/** The long-lived stream of small puts and gets: all calls of a message run at once, replies go out as they are ready. */
export function batch(
  context: NodeContext,
): OpenBatches & { handle: handleBidiStreamingCall<ReceivedCall[] | WireError, BatchResponseMessage> } {
  const open = new Set<BatchStream>()
  return {
    handle(call) {
      const stream = new BatchStream(context, call)
      open.add(stream)
      call.once('close', () => open.delete(stream))
    },
    drain() {
      for (const stream of open) stream.drain()
    },
  }
}

const NOTHING = Buffer.alloc(0)

class BatchStream {
  #context: NodeContext
  #call: BatchCallStream
  #ready: WireReply[] = []
  #isFlushDue = false
  #isWriting = false
  #running = 0
  #runningBytes = 0
  /** No more calls are taken. */
  #isEnding = false
  #isOver = false

  constructor(context: NodeContext, call: BatchCallStream) {
    this.#context = context
    this.#call = call
    readOneAhead(call)
    // Tells the client that it was let in, before there is anything to answer.
    call.sendMetadata(new Metadata())
    call.on('data', (message: ReceivedCall[] | WireError) => this.#receive(message))
    call.once('end', () => this.#finish())
    call.once('cancelled', () => this.#close())
  }

  drain(): void {
    this.#call.pause()
    this.#isEnding = true
    this.#finish()
  }

  #receive(calls: ReceivedCall[] | WireError): void {
    if (this.#isEnding || this.#isOver) return
    if (calls instanceof WireError) {
      this.#close()
      this.#call.emit('error', refusal(this.#context, this.#call.getPath(), calls))
      return
    }
    for (const call of calls) this.#start(call)
    if (this.#isFull()) this.#call.pause()
  }

  #isFull(): boolean {
    const { batchCallsRunningMax, batchBytesRunningMax } = this.#context.tuning
    return this.#running >= batchCallsRunningMax || this.#runningBytes >= batchBytesRunningMax
  }

  #start(call: ReceivedCall): void {
    const bytes = call.put?.payload.length ?? Math.min(call.get?.length ?? 0, wireBounds.getBytesMax)
    this.#running += 1
    this.#runningBytes += bytes
    const { callId } = call
    this.#run(call).then(
      (payload) => this.#reply({ callId, status: ChunkStatus.CHUNK_STATUS_OK, payload, message: '' }, bytes),
      (error) => {
        if (isUnforeseen(error)) refusal(this.#context, this.#call.getPath(), error)
        this.#reply({ callId, payload: NOTHING, ...toChunkStatus(error) }, bytes)
      },
    )
  }

  async #run({ put, get }: ReceivedCall): Promise<Buffer> {
    const { disk } = this.#context
    if (put) {
      await disk.put(parseHeader(put.header), put.payload, parseTrailer(put.trailer))
      return NOTHING
    }
    if (!get) throw invalid('a call of a kind that is not known')
    if (get.length > wireBounds.getBytesMax) throw invalid(`more than ${wireBounds.getBytesMax} bytes in a batched get`)
    return await disk.read(parseChunkId(get.chunkId), get.offset, get.length)
  }

  /** Replies that are ready in the same turn of the event loop share a message: a put's fdatasync wakes many at once. */
  #reply(reply: WireReply, bytes: number): void {
    this.#running -= 1
    this.#runningBytes -= bytes
    if (this.#isOver) return
    this.#ready.push(reply)
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
    this.#call.write(new BatchResponseMessage(this.#takeReady()), () => {
      this.#isWriting = false
      this.#flush()
    })
    if (!this.#isEnding && this.#call.isPaused() && !this.#isFull()) this.#call.resume()
  }

  #takeReady(): WireReply[] {
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
    if (this.#isEnding) {
      this.#close()
      this.#call.emit('error', { code: status.UNAVAILABLE, details: 'the node is stopping' })
    } else if (this.#call.readableEnded) {
      this.#close()
      this.#call.end()
    }
  }

  #close(): void {
    this.#isOver = true
    this.#ready = []
  }
}
