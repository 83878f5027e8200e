import { ChunkError } from '../base/faults.ts'
import type { ServerNumber } from '../base/ids.ts'
import type { ChunkStore, ChunkWriter } from '../engine/ports/chunk-store.ts'
import { CALL_SECONDS, Histogram } from './histogram.ts'
import { type Family, family, inGroup } from './metric.ts'
import { Counts, Tally } from './tally.ts'

const { counter, histogram } = inGroup('Storage nodes, as a gateway sees them')

export const callMetrics = {
  seconds: histogram({
    name: 'sextant_node_call_seconds',
    labels: ['server', 'call'],
    bounds: CALL_SECONDS,
    about:
      'Of gRPC calls to a storage server, by its number. `call`: put and get (of small chunks, batched; until the put is durable), put-stream (from its end to durable), first-bytes (of a streamed get), locate, delete, stat. Chunks that a gateway reads in the directory of a node on its own host need no call.',
  }),
  failures: counter({
    name: 'sextant_node_call_failures_total',
    labels: ['server', 'failure'],
    about:
      'Calls that failed: not-found, corrupt, no-space, failed (the disk refused), unreachable, invalid, or other. Those that were given up by us are no failures.',
  }),
} as const

type OfServer = { calls: Tally<Histogram>; failures: Counts }

/** Times what goes through a chunk store. */
export class CallCounter {
  readonly #servers = new Map<ServerNumber, OfServer>()

  /** The same store, timed. */
  metered(chunks: ChunkStore): ChunkStore {
    const time = <T>(server: ServerNumber, call: string, work: Promise<T>) => this.#time(server, call, work)
    return {
      putChunk: (server, chunk, signal) => time(server, 'put', chunks.putChunk(server, chunk, signal)),
      openChunk: (server, header, signal) => this.#timedWriter(server, chunks.openChunk(server, header, signal)),
      getPayload: (server, range, signal) => time(server, 'get', chunks.getPayload(server, range, signal)),
      locateChunk: (server, chunk, signal) => time(server, 'locate', chunks.locateChunk(server, chunk, signal)),
      streamPayload: (server, range, signal) => this.#timedStream(server, chunks.streamPayload(server, range, signal)),
      deleteChunks: (server, names, signal, writtenBefore) =>
        time(server, 'delete', chunks.deleteChunks(server, names, signal, writtenBefore)),
      listChunks: (server, filter, signal) => chunks.listChunks(server, filter, signal),
      verifyChunks: (server, names, signal) => chunks.verifyChunks(server, names, signal),
      describeChunk: (server, chunk, signal) => chunks.describeChunk(server, chunk, signal),
      describeChunks: (server, names, signal) => chunks.describeChunks(server, names, signal),
      statServer: (server, signal) => time(server, 'stat', chunks.statServer(server, signal)),
      isReachable: (server) => chunks.isReachable(server),
    }
  }

  collect(): Family[] {
    const servers = [...this.#servers]
    return [
      family(
        callMetrics.seconds,
        servers.flatMap(([server, { calls }]) =>
          Array.from(calls.entries(), ([call, seconds]) => [[String(server), call], seconds.read()] as const),
        ),
      ),
      family(
        callMetrics.failures,
        servers.flatMap(([server, { failures }]) =>
          Array.from(failures.entries(), ([failure, count]) => [[String(server), failure], count] as const),
        ),
      ),
    ]
  }

  #of(server: ServerNumber): OfServer {
    const known = this.#servers.get(server)
    if (known) return known
    const made = { calls: new Tally(() => new Histogram(CALL_SECONDS)), failures: new Counts() }
    this.#servers.set(server, made)
    return made
  }

  async #time<T>(server: ServerNumber, call: string, work: Promise<T>): Promise<T> {
    const startedAt = performance.now()
    try {
      const answer = await work
      this.#note(server, call, startedAt)
      return answer
    } catch (error) {
      this.#noteFailure(server, error)
      throw error
    }
  }

  #timedWriter(server: ServerNumber, writer: ChunkWriter): ChunkWriter {
    return {
      write: (pieces) => writer.write(pieces),
      finish: (trailer) => this.#time(server, 'put-stream', writer.finish(trailer)),
      abort: () => writer.abort(),
    }
  }

  /** No generator: its `return` would wait for a `next` that is under way, which it is to break off. */
  #timedStream(server: ServerNumber, pieces: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    return {
      [Symbol.asyncIterator]: () => {
        const inner = pieces[Symbol.asyncIterator]()
        const startedAt = performance.now()
        let isFirst = true
        const next = async () => {
          try {
            const step = await inner.next()
            if (isFirst) this.#note(server, 'first-bytes', startedAt)
            isFirst = false
            return step
          } catch (error) {
            this.#noteFailure(server, error)
            throw error
          }
        }
        return { next, return: async () => (await inner.return?.()) ?? { done: true, value: undefined } }
      },
    }
  }

  #note(server: ServerNumber, call: string, startedAt: number): void {
    this.#of(server)
      .calls.of(call)
      .observe((performance.now() - startedAt) / 1000)
  }

  #noteFailure(server: ServerNumber, error: unknown): void {
    const failure = error instanceof ChunkError ? error.failure : 'other'
    const isOurs = failure === 'aborted' || (error instanceof Error && error.name === 'AbortError')
    if (!isOurs) this.#of(server).failures.add(failure)
  }
}
