import { type Attributes, context, type Span, SpanKind, trace } from '@opentelemetry/api'
import { ChunkError } from '../base/faults.ts'
import type { ServerNumber } from '../base/ids.ts'
import { totalBytes } from '../base/wire/gather.ts'
import type { ChunkHeader, ChunkName, ChunkStore, ChunkWriter, PayloadRange } from '../engine/ports/chunk-store.ts'
import type { LocalChunks } from '../engine/ports/local-chunks.ts'
import { endOnce, type Spans } from './spans.ts'

/** The same store, with a span for each call to a storage node. Named as the metrics of calls are. */
export function tracedChunks(spans: Spans, chunks: ChunkStore): ChunkStore {
  const around = <T>(call: string, attributes: Attributes, work: () => Promise<T>) =>
    spans.around(`chunk ${call}`, { kind: SpanKind.CLIENT, attributes }, work)
  return {
    ...chunks,
    putChunk: (server, chunk, signal) =>
      around('put', { ...about(server, chunk.header), ...bytes(totalBytes(chunk.pieces)) }, () =>
        chunks.putChunk(server, chunk, signal),
      ),
    openChunk: (server, header, signal) =>
      tracedWriter(spans, about(server, header), () => chunks.openChunk(server, header, signal)),
    getPayload: (server, range, signal) =>
      around('get', { ...about(server, range), ...bytes(range.length) }, () =>
        chunks.getPayload(server, range, signal),
      ),
    locateChunk: (server, chunk, signal) =>
      around('locate', about(server, chunk), () => chunks.locateChunk(server, chunk, signal)),
    streamPayload: (server, range, signal) =>
      tracedStream(spans, { server, range, signal }, chunks.streamPayload(server, range, signal)),
    deleteChunks: (server, names, signal, writtenBefore) =>
      around('delete', { 'sextant.storage_server': server, 'sextant.chunks': names.length }, () =>
        chunks.deleteChunks(server, names, signal, writtenBefore),
      ),
  }
}

/** The same for what is read in a node's directory. */
export function tracedLocalChunks(spans: Spans, local: LocalChunks): LocalChunks {
  return {
    has: (server, chunk) => local.has(server, chunk),
    needsPlace: (server, chunk) => local.needsPlace(server, chunk),
    learn: (server, chunk, place) => local.learn(server, chunk, place),
    distrust: (server, chunk) => local.distrust(server, chunk),
    read: (server, chunk, piece) => {
      const attributes = { ...about(server, chunk), ...bytes(totalBytes(piece.targets)) }
      return spans.around('chunk read-here', { attributes }, () => local.read(server, chunk, piece))
    },
  }
}

const GIVEN_UP = new ChunkError('aborted', 'given up')

/** From the first byte to durable, or given up. */
function tracedWriter(spans: Spans, attributes: Attributes, open: () => ChunkWriter): ChunkWriter {
  const span = spans.begin('chunk put-stream', { kind: SpanKind.CLIENT, attributes })
  if (!span) return open()
  const writer = below(span, open)
  let sentBytes = 0
  const watched = async (work: Promise<void>) => {
    try {
      await work
    } catch (error) {
      endOnce(span, error)
      throw error
    }
  }
  return {
    write(pieces) {
      sentBytes += totalBytes(pieces)
      return watched(writer.write(pieces))
    },
    async finish(trailer) {
      span.setAttributes(bytes(sentBytes))
      span.addEvent('all sent')
      await watched(writer.finish(trailer))
      endOnce(span)
    },
    abort() {
      writer.abort()
      endOnce(span, GIVEN_UP)
    },
  }
}

/** Until its last byte has come: what is given up after that has been read all the same. */
function tracedStream(
  spans: Spans,
  { server, range, signal }: { server: ServerNumber; range: PayloadRange; signal: AbortSignal },
  pieces: AsyncIterable<Buffer>,
): AsyncIterable<Buffer> {
  return {
    [Symbol.asyncIterator]() {
      const attributes = { ...about(server, range), ...bytes(range.length) }
      const span = spans.begin('chunk get-stream', { kind: SpanKind.CLIENT, attributes })
      const inner = pieces[Symbol.asyncIterator]()
      if (!span) return inner
      const giveUp = () => end(GIVEN_UP)
      const end = (error?: unknown) => {
        signal.removeEventListener('abort', giveUp)
        endOnce(span, error)
      }
      signal.addEventListener('abort', giveUp)
      let missingBytes = range.length
      const next = async () => {
        try {
          const step = await below(span, () => inner.next())
          missingBytes -= step.value?.length ?? 0
          if (step.done || missingBytes === 0) end()
          return step
        } catch (error) {
          end(error)
          throw error
        }
      }
      const leave = async () => {
        end(missingBytes > 0 ? GIVEN_UP : undefined)
        return (await inner.return?.()) ?? { done: true as const, value: undefined }
      }
      return { next, return: leave }
    },
  }
}

function below<T>(span: Span, work: () => T): T {
  return context.with(trace.setSpan(context.active(), span), work)
}

function about(server: ServerNumber, { index }: Pick<ChunkName | ChunkHeader, 'index'>): Attributes {
  return { 'sextant.storage_server': server, 'sextant.chunk.index': index }
}

function bytes(count: number): Attributes {
  return { 'sextant.chunk.bytes': count }
}
