import type { ServerNumber } from '../../../src/base/ids.ts'
import { toWireHeader, toWireTrailer } from '../../../src/chunk-client/labels.ts'
import type { ChunkHeader, ChunkTrailer, ChunkWriter } from '../../../src/engine/ports/chunk-store.ts'
import type { ChunkSink } from '../../../src/storage-node/ports.ts'
import { aborted, asChunkError, type ChunkLine, type RunningNode, unreachable } from './chunk-line.ts'

/** Until a stream without progress is given up, ms. */
const IDLE_MS = 4_000

/** A large chunk on its way to a node: its pieces arrive in order, or the stream breaks. */
export class SimPutStream implements ChunkWriter {
  readonly #line: ChunkLine
  readonly #server: ServerNumber
  readonly #header: ChunkHeader
  readonly #signal: AbortSignal
  #node: RunningNode | undefined
  #sink: ChunkSink | undefined
  #failure: Error | undefined
  #tail: Promise<void> = Promise.resolve()

  constructor(line: ChunkLine, to: { server: ServerNumber; header: ChunkHeader }, signal: AbortSignal) {
    this.#line = line
    this.#server = to.server
    this.#header = to.header
    this.#signal = signal
    line.deps.life.onEnd(() => this.#end())
    signal.addEventListener('abort', () => this.abort(), { once: true })
  }

  write(pieces: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(pieces)
    return this.#send((sink) => Promise.resolve(sink.write(bytes)))
  }

  async finish(trailer: ChunkTrailer): Promise<void> {
    const { name } = this.#line.deps
    this.#line.deps.trace.note(`${name} > ${this.#server}: finish ${this.#header.partId}/${this.#header.index}`)
    await this.#send((sink) => sink.commit(toWireTrailer(trailer)))
    this.#end()
  }

  abort(): void {
    this.#failure ??= aborted(this.#signal)
    this.#end()
  }

  #send(work: (sink: ChunkSink) => Promise<void>): Promise<void> {
    const sent = this.#tail.then(() => this.#step(work))
    this.#tail = sent.catch(() => {}) // what follows fails by itself
    return this.#line.deps.life.hear(sent)
  }

  async #step(work: (sink: ChunkSink) => Promise<void>): Promise<void> {
    try {
      if (this.#failure) throw this.#failure
      const sink = await this.#carriedTo()
      await this.#answered(work(sink))
      if (this.#failure) throw this.#failure
    } catch (error) {
      this.#failure ??= asChunkError(error)
      this.#end()
      throw this.#failure
    }
  }

  /** The node's side of it, once a message has come there. */
  async #carriedTo(): Promise<ChunkSink> {
    const { network, timeline, name } = this.#line.deps
    const { address, find } = this.#line.target(this.#server)
    if (!(await network.carry(name, address))) {
      await timeline.pause(IDLE_MS)
      throw this.#broken('no answer in time')
    }
    const node = find()
    if (!node || (this.#node && node !== this.#node)) throw this.#broken('the connection broke')
    this.#node = node
    this.#sink ??= await this.#answered(node.disk.create(toWireHeader(this.#header)))
    if (this.#failure) throw this.#failure
    return this.#sink
  }

  /** What the node says, unless it dies first, or the way back is broken. */
  async #answered<T>(work: Promise<T>): Promise<T> {
    const { network, timeline, name } = this.#line.deps
    const { address } = this.#line.target(this.#server)
    const { promise: died, reject } = Promise.withResolvers<never>()
    using _watch = this.#node!.life.onEnd(() => reject(this.#broken('the connection broke')))
    const value = await Promise.race([work, died])
    if (await network.carry(address, name)) return value
    await timeline.pause(IDLE_MS)
    throw this.#broken('no answer in time')
  }

  #broken(reason: string): Error {
    this.#line.noteUnreachable(this.#server)
    return unreachable(reason)
  }

  /** The node hears that the stream has ended; a commit that is under way goes on. */
  #end(): void {
    const sink = this.#sink
    this.#sink = undefined
    if (sink) this.#line.deps.timeline.after(1, () => void Promise.resolve(sink[Symbol.asyncDispose]()).catch(() => {}))
  }
}
