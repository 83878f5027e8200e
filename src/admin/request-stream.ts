import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseFilter, type RequestFilter, type TracedRequest } from './request-filter.ts'

/** What waits for one listener that reads slowly, in this process; requests beyond that are not told, but counted. */
const WAITING_BYTES_MAX = 1024 * 1024
/** Each costs its share of every request. */
const LISTENERS_MAX = 16

interface Listener {
  answer: ServerResponse
  wants: RequestFilter
  dropped: number
}

/**
 * Tells of this process's requests, as they end, to whoever listens: a line of JSON each. `{"dropped":n}` says how many a slow
 * listener has missed before it. While nobody listens, `listens` is false and nothing is made to be told.
 */
export class RequestStream {
  readonly #listeners = new Set<Listener>()

  get listens(): boolean {
    return this.#listeners.size > 0
  }

  tell(request: TracedRequest): void {
    let line: string | undefined
    for (const listener of this.#listeners) {
      if (!listener.wants(request)) continue
      line ??= `${JSON.stringify(request)}\n`
      writeLine(listener, line)
    }
  }

  /** Answers with lines until the listener goes. `query` as `parseFilter` reads it. */
  serve(query: URLSearchParams, answer: ServerResponse): Listening | undefined {
    const wants = parseFilter(query)
    if (typeof wants === 'string') return refuse(answer, 400, wants)
    if (this.#listeners.size >= LISTENERS_MAX) return refuse(answer, 503, 'too many listen already')
    const listener = { answer, wants, dropped: 0 }
    this.#listeners.add(listener)
    answer.once('close', () => this.#listeners.delete(listener))
    answer.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    answer.flushHeaders()
    return { write: (line) => writeLine(listener, line) }
  }
}

/** A listener, for lines that come from elsewhere. */
export interface Listening {
  /** With its line end. */
  write(line: string): void
}

/** For the sockets at which processes of one host ask each other. */
export function serveRequests(stream: RequestStream, asked: IncomingMessage, answer: ServerResponse): void {
  stream.serve(new URLSearchParams((asked.url ?? '').split('?')[1]), answer)
}

function writeLine(listener: Listener, line: string): void {
  const { answer } = listener
  if (answer.writableLength + line.length > WAITING_BYTES_MAX) {
    listener.dropped++
    return
  }
  if (listener.dropped > 0) {
    answer.write(`{"dropped":${listener.dropped}}\n`)
    listener.dropped = 0
  }
  answer.write(line)
}

function refuse(answer: ServerResponse, status: number, error: string): undefined {
  answer.writeHead(status, { 'content-type': 'application/json' })
  answer.end(JSON.stringify({ error }))
}
