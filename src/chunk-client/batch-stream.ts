import type { Clock } from '../base/clock.ts'
import { ChunkError } from '../base/faults.ts'
import { MessageCollector } from '../base/rpc/message-reader.ts'
import type { CurrentTrace } from '../base/spans.ts'
import {
  batchRequestMessage,
  OutgoingCall,
  readBatchResponse,
  type WirePut,
  type WireReply,
} from '../base/wire/batch-messages.ts'
import { wireBounds } from '../base/wire/bounds.ts'
import type { WireRange } from '../base/wire/chunk-fields.ts'
import { WireError } from '../base/wire/protobuf.ts'
import { aborted, fromReply, fromStatus, unreachable } from './errors.ts'
import type { GrpcCall } from './grpc-call.ts'
import type { GrpcConnection } from './grpc-connection.ts'
import { paths } from './methods.ts'
import type { ChunkClientSettings } from './settings.ts'

export interface BatchStreamDeps {
  connection: GrpcConnection
  clock: Clock
  settings: ChunkClientSettings
  currentTrace: CurrentTrace | undefined
  /** Called once, when the stream has ended for whatever reason. */
  onEnd(error: ChunkError): void
  onAnswer(): void
  onTimeout(waitedMs: number): void
}

interface Call {
  outgoing: OutgoingCall
  /** Payload, sent or asked for. */
  bytes: number
  deadlineMs: number
  message: Message | undefined
  settle(error: ChunkError | undefined, payload?: Buffer): void
}

interface Message {
  sentMs: number
}

/** Room for the fields around the payload of a message of the largest size. */
const MESSAGE_SLACK_BYTES = 64 * 1024

/**
 * One long-lived stream to one server. Calls that wait are sent together, and nothing waits for a timer: with fewer than
 * `batchUnansweredMax` messages unanswered, what has come up in this turn of the event loop goes at once; otherwise it
 * goes with the next reply.
 */
export class BatchStream {
  /** Resolves when the server has let the stream in. */
  readonly accepted: Promise<void>
  #admission = Promise.withResolvers<void>()
  #deps: BatchStreamDeps
  #stream: GrpcCall
  /** All calls that are not settled, oldest first: also in the order of their deadlines, as all have the same time. */
  #calls = new Map<number, Call>()
  #waiting: Call[] = []
  /** Messages that hold the next one up. */
  #unanswered = new Set<Message>()
  #lastId = 0
  #isPumpDue = false
  #deadlineTimer: Disposable | undefined
  #stuckTimer: Disposable | undefined
  #over: ChunkError | undefined

  constructor(deps: BatchStreamDeps) {
    this.#deps = deps
    this.accepted = this.#admission.promise
    this.accepted.catch(() => {})
    const messages = new MessageCollector({
      bytesMax: wireBounds.messageBytesMax + MESSAGE_SLACK_BYTES,
      allocate: (bytes) => Buffer.allocUnsafe(bytes),
      onMessage: (message) => this.#receiveMessage(message),
    })
    this.#stream = deps.connection.call(paths.batch, {
      messages,
      onAccepted: () => this.#admission.resolve(),
      onTaken: (bytes) => this.#stream.consumed(bytes),
      onStatus: (status) => this.close(fromStatus(status) ?? unreachable('the node ended the stream')),
    })
  }

  /** The payload of a get; empty for a put. Faults: ChunkError. */
  call(call: { put: WirePut } | { get: WireRange }, bytes: number, signal: AbortSignal): Promise<Buffer> {
    if (this.#over) return Promise.reject(this.#over)
    if (signal.aborted) return Promise.reject(aborted(signal))
    const { clock, settings, currentTrace } = this.#deps
    if (this.#calls.size >= settings.callsMax) {
      return Promise.reject(new ChunkError('failed', `more than ${settings.callsMax} calls wait for one server`))
    }
    const callId = this.#nextId()
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const onAbort = () => entry.settle(aborted(signal))
    const entry: Call = {
      outgoing: new OutgoingCall(callId, call, currentTrace?.()),
      bytes,
      deadlineMs: clock.nowMs() + settings.callMs,
      message: undefined,
      settle: (error, payload) => {
        if (!this.#calls.delete(callId)) return
        // From here on the caller may reuse its buffers: what of them is still on its way, the node's checksums refuse.
        entry.outgoing.withdraw()
        signal.removeEventListener('abort', onAbort)
        if (error) reject(error)
        else resolve(payload!)
      },
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#calls.set(callId, entry)
    this.#waiting.push(entry)
    this.#deadlineTimer ??= clock.after(settings.callMs, () => this.#expire())
    this.#pumpSoon()
    return promise
  }

  /** Ends the stream; what is not answered fails with `error`. */
  close(error: ChunkError): void {
    if (this.#over) return
    this.#over = error
    this.#admission.reject(error)
    this.#deadlineTimer?.[Symbol.dispose]()
    this.#stuckTimer?.[Symbol.dispose]()
    this.#stream.cancel()
    for (const call of [...this.#calls.values()]) call.settle(error)
    this.#waiting = []
    this.#deps.onEnd(error)
  }

  #nextId(): number {
    do {
      this.#lastId = this.#lastId === 0xffff_ffff ? 1 : this.#lastId + 1
    } while (this.#calls.has(this.#lastId))
    return this.#lastId
  }

  /** Calls made in the same turn share a message. */
  #pumpSoon(): void {
    if (this.#isPumpDue) return
    this.#isPumpDue = true
    setImmediate(() => {
      this.#isPumpDue = false
      this.#pump()
    })
  }

  #pump(): void {
    const { clock, settings } = this.#deps
    while (!this.#over && this.#waiting.length > 0) {
      if (this.#unanswered.size >= settings.batchUnansweredMax) {
        this.#stuckTimer ??= clock.after(settings.batchStuckMs, () => this.#passStuck())
        return
      }
      this.#send(this.#takeWaiting())
    }
  }

  #takeWaiting(): Call[] {
    const { batchCallsMax, batchBytesMax } = this.#deps.settings
    const taken: Call[] = []
    let bytes = 0
    let seen = 0
    for (const call of this.#waiting) {
      if (taken.length === batchCallsMax || (taken.length > 0 && bytes + call.bytes > batchBytesMax)) break
      seen += 1
      if (call.outgoing.isWithdrawn) continue
      bytes += call.bytes
      taken.push(call)
    }
    this.#waiting.splice(0, seen)
    return taken
  }

  #send(calls: readonly Call[]): void {
    if (calls.length === 0) return
    const message: Message = { sentMs: this.#deps.clock.nowMs() }
    for (const call of calls) call.message = message
    this.#unanswered.add(message)
    this.#stream.send(batchRequestMessage(calls.map((call) => call.outgoing)))
  }

  #receiveMessage(message: Buffer): void {
    try {
      this.#receive(readBatchResponse(message))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.close(unreachable(error.message, error))
    }
  }

  #receive(replies: readonly WireReply[]): void {
    this.#deps.onAnswer()
    for (const reply of replies) {
      const call = this.#calls.get(reply.callId)
      if (!call) continue
      if (call.message) this.#unanswered.delete(call.message)
      call.settle(reply.status === 0 ? undefined : fromReply(reply), reply.payload as Buffer)
    }
    if (this.#waiting.length > 0) this.#pumpSoon()
  }

  /** One call that takes long (a slow disk, a hung one) must not hold up all others to that server. */
  #passStuck(): void {
    this.#stuckTimer = undefined
    const { clock, settings } = this.#deps
    const before = clock.nowMs() - settings.batchStuckMs
    for (const message of this.#unanswered) if (message.sentMs <= before) this.#unanswered.delete(message)
    this.#pump()
  }

  #expire(): void {
    this.#deadlineTimer = undefined
    const { clock, settings, onTimeout } = this.#deps
    const nowMs = clock.nowMs()
    let isLate = false
    for (const call of this.#calls.values()) {
      if (call.deadlineMs > nowMs) {
        this.#deadlineTimer = clock.after(call.deadlineMs - nowMs, () => this.#expire())
        break
      }
      call.settle(unreachable(`no answer within ${settings.callMs} ms`))
      isLate = true
    }
    if (isLate) onTimeout(settings.callMs)
  }
}
