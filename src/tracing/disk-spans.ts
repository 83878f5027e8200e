import { type Span, SpanKind } from '@opentelemetry/api'
import { ChunkError } from '../base/faults.ts'
import type { ChunkDisk, ChunkSink } from '../storage-node/ports.ts'
import { endOnce, type Spans } from './spans.ts'

/** The same disk, with a span for what gateways ask of it: from then until it is durable, or read. */
export function tracedDisk(spans: Spans, disk: ChunkDisk): ChunkDisk {
  const of = (bytes: number) => ({ kind: SpanKind.SERVER, attributes: { 'sextant.chunk.bytes': bytes } })
  return {
    ...disk,
    put: (header, payload, trailer) =>
      spans.around('disk put', of(payload.length), () => disk.put(header, payload, trailer)),
    read: (chunkId, offset, length, into) =>
      spans.around('disk read', of(length), () => disk.read(chunkId, offset, length, into)),
    async create(header) {
      const span = spans.begin('disk write', { kind: SpanKind.SERVER })
      if (!span) return await disk.create(header)
      try {
        return tracedSink(span, await disk.create(header))
      } catch (error) {
        endOnce(span, error)
        throw error
      }
    },
  }
}

function tracedSink(span: Span, sink: ChunkSink): ChunkSink {
  let bytes = 0
  return {
    write(piece) {
      bytes += piece.length
      return sink.write(piece)
    },
    async commit(trailer) {
      span.addEvent('all received')
      try {
        span.setAttribute('sextant.chunk.bytes', bytes)
        await sink.commit(trailer)
        endOnce(span)
      } catch (error) {
        endOnce(span, error)
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      endOnce(span, new ChunkError('aborted', 'given up'))
      await sink[Symbol.asyncDispose]()
    },
  }
}
