import { ChunkError } from '../base/faults.ts'
import { IdleTimer } from '../base/idle-timer.ts'
import { OK } from '../base/rpc/grpc-status.ts'
import type { PutFrame } from '../base/wire/stream-messages.ts'
import type { NodeContext } from './context.ts'
import type { ChunkSink } from './ports.ts'
import { PutFrameReader } from './put-frame-reader.ts'
import { invalid, parseHeader, parseTrailer } from './requests.ts'
import { refusal } from './rpc/answer.ts'
import type { Method } from './rpc/server.ts'
import type { ServerCall } from './rpc/server-call.ts'

/** One large chunk. Answers when it is durable; a stream that ends in any other way leaves nothing. */
export function putChunk(context: NodeContext): Method {
  return (call) => {
    const receiver = new PutReceiver(context, call)
    call.start({
      messages: new PutFrameReader(receiver),
      onEnd: () => receiver.onEnd(),
      onCancelled: () => receiver.giveUp(),
    })
  }
}

/** One step at a time, in order; while one takes long, the caller is held up by the stream's window. */
class PutReceiver {
  readonly #context: NodeContext
  readonly #call: ServerCall
  readonly #idle: IdleTimer
  #sink: ChunkSink | undefined
  #hasHeader = false
  #hasTrailer = false
  #isOver = false
  /** The step under way. */
  #work: Promise<void> | undefined
  /** What came while a step was under way. */
  readonly #later: (() => Promise<void> | undefined)[] = []

  constructor(context: NodeContext, call: ServerCall) {
    this.#context = context
    this.#call = call
    const { clock, tuning } = context
    this.#idle = new IdleTimer(clock, tuning.putIdleMs, () =>
      this.#fail(new ChunkError('aborted', `nothing came for ${tuning.putIdleMs} ms`)),
    )
    this.#idle.begin()
  }

  /** A piece of payload: a view that is good during the call. */
  onPayload(bytes: Buffer): void {
    this.#idle.progress()
    if (this.#isOver) return
    if (this.#work !== undefined) {
      const copy = Buffer.from(bytes)
      this.#later.push(() => this.#write(copy))
    } else this.#step(() => this.#write(bytes))
  }

  onFrame(frame: PutFrame): void {
    this.#idle.progress()
    this.#inTurn(() => this.#take(frame))
  }

  onMalformed(error: Error): void {
    this.#fail(error)
  }

  onEnd(): void {
    this.#inTurn(() => {
      if (!this.#hasTrailer) throw invalid('the stream ended without a trailer')
      return undefined
    })
  }

  /** The caller is gone, or was told no. */
  giveUp(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#idle[Symbol.dispose]()
    this.#later.length = 0
    void this.#discard(this.#work)
  }

  /** A sink is not disposed under a step. */
  async #discard(work: Promise<void> | undefined): Promise<void> {
    await work?.catch(() => {})
    await this.#sink?.[Symbol.asyncDispose]()
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.giveUp()
    this.#call.finish(refusal(this.#context, this.#call.path, error))
  }

  #inTurn(step: () => Promise<void> | undefined): void {
    if (this.#isOver) return
    if (this.#work !== undefined) this.#later.push(step)
    else this.#step(step)
  }

  #step(step: () => Promise<void> | undefined): void {
    let work: Promise<void> | undefined
    try {
      work = step()
    } catch (error) {
      this.#fail(error)
      return
    }
    if (!work) return
    this.#work = work
    this.#call.pause()
    this.#idle.end()
    work.then(
      () => this.#goOn(),
      (error) => this.#fail(error),
    )
  }

  #goOn(): void {
    this.#work = undefined
    if (this.#isOver) return
    this.#idle.begin()
    while (this.#work === undefined) {
      const next = this.#later.shift()
      if (!next) break
      this.#step(next)
    }
    if (this.#work === undefined) this.#call.resume()
  }

  #take(frame: PutFrame): Promise<void> | undefined {
    if (frame.kind === 'header') return this.#open(frame)
    if (frame.kind !== 'trailer') throw invalid('payload or a trailer was expected')
    if (!this.#sink || this.#hasTrailer) throw invalid('a trailer ends a chunk')
    this.#hasTrailer = true
    return this.#commit(this.#sink, frame)
  }

  async #open({ header }: PutFrame & { kind: 'header' }): Promise<void> {
    if (this.#hasHeader) throw invalid('payload or a trailer was expected')
    this.#hasHeader = true
    const parsed = parseHeader(header)
    const { disk, tracer } = this.#context
    const traceparent = tracer && this.#call.header('traceparent')
    const create = () => disk.create(parsed)
    this.#sink = await (traceparent === undefined ? create() : tracer!.within(traceparent, create))
  }

  #write(bytes: Buffer): Promise<void> | undefined {
    if (!this.#sink || this.#hasTrailer) throw invalid('a chunk begins with its header and ends with its trailer')
    return this.#sink.write(bytes)
  }

  async #commit(sink: ChunkSink, { trailer }: PutFrame & { kind: 'trailer' }): Promise<void> {
    await sink.commit(parseTrailer(trailer))
    if (this.#isOver) return
    this.#isOver = true
    this.#idle[Symbol.dispose]()
    this.#call.send([])
    this.#call.finish(OK)
    await sink[Symbol.asyncDispose]()
  }
}
