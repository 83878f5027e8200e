import type { ReplyHeaders } from '../operation.ts'
import type { Exchange } from './exchange.ts'
import { finishAnswer, planConnection } from './leftover-body.ts'

/** What goes out. `sizeBytes` without `bytes` is what a GET would send: a HEAD's Content-Length. */
export interface Answer {
  status: number
  headers: ReplyHeaders
  body?: Uint8Array | undefined
  stream?: { sizeBytes: number; bytes: AsyncIterable<Uint8Array> } | undefined
}

/**
 * Sends an answer and settles the connection. Rejects when there is no memory for it (SlowDown), or a stream fails: before
 * its first byte with nothing sent; later, the caller has to break the connection off, so that nobody takes half an object for a whole one.
 */
export async function writeAnswer(exchange: Exchange, answer: Answer): Promise<void> {
  if (answer.stream && !isBodiless(exchange, answer.status)) return await writeStream(exchange, answer, answer.stream)
  const largeBytes = Math.max(0, (answer.body?.length ?? 0) - SMALL_ANSWER_BYTES)
  exchange.answers.take(largeBytes)
  try {
    await writeWhole(exchange, answer)
  } finally {
    exchange.answers.give(largeBytes)
  }
}

/** What an answer may have in memory without asking: no more than any body that is received may. */
const SMALL_ANSWER_BYTES = 64 * 1024

async function writeWhole(exchange: Exchange, answer: Answer): Promise<void> {
  const { res } = exchange
  const plan = planConnection(exchange)
  const length = answer.stream?.sizeBytes ?? answer.body?.length ?? 0
  writeHead(exchange, answer, hasNoLength(exchange, answer) ? undefined : length)
  const body = isBodiless(exchange, answer.status) ? undefined : answer.body
  exchange.bytesSent += body?.length ?? 0
  if (plan === 'drain') {
    // Not ended yet: Node would close the socket, and the client's unsent rest would reset it before the answer is read.
    if (body) res.write(body)
    else res.flushHeaders()
  } else {
    res.end(body)
  }
  await finishAnswer(exchange, plan)
}

/** Status and headers that every answer has; at once, which costs a third of what setting them one by one costs. */
export function writeHead(exchange: Exchange, answer: Answer, sizeBytes: number | undefined): void {
  const fields = ['x-amz-request-id', exchange.requestId, 'x-amz-id-2', exchange.hostId, 'Server', 'Sextant']
  if (exchange.isLast || planConnection(exchange) === 'drain') fields.push('Connection', 'close')
  pushHeaders(fields, answer.headers)
  if (exchange.corsHeaders) pushHeaders(fields, exchange.corsHeaders)
  if (sizeBytes !== undefined) fields.push('Content-Length', String(sizeBytes))
  exchange.isMeasured = sizeBytes !== undefined
  exchange.headAt = performance.now()
  exchange.res.writeHead(answer.status, fields)
}

function pushHeaders(fields: string[], headers: ReplyHeaders): void {
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) fields.push(name, String(value))
  }
}

/** What the socket is given at once. A client that takes less in `answerIdleMs` is taken to be gone. */
const SLICE_BYTES = 256 * 1024

/** A piece is used until its bytes are with the kernel, and no longer: then the producer may use its memory again. */
async function writeStream(exchange: Exchange, answer: Answer, stream: NonNullable<Answer['stream']>): Promise<void> {
  const { res } = exchange
  const pieces = stream.bytes[Symbol.asyncIterator]()
  try {
    // The head waits for the first bytes: until then a fault can still be told.
    let step = await pieces.next()
    const plan = planConnection(exchange)
    writeHead(exchange, answer, stream.sizeBytes)
    for (; !step.done; step = await pieces.next()) {
      for (let at = 0; at < step.value.length; at += SLICE_BYTES) {
        await send(exchange, step.value.subarray(at, at + SLICE_BYTES), stream.sizeBytes)
      }
    }
    if (exchange.bytesSent !== stream.sizeBytes) throw new Error('fewer bytes than announced')
    if (!res.writableEnded) res.end()
    await finishAnswer(exchange, plan)
  } finally {
    // The producer lets go of its chunk streams, also when the client went away.
    await pieces.return?.()
  }
}

/** Resolves when the kernel has the bytes; the connection is broken off if the client takes nothing for `answerIdleMs`. */
async function send(exchange: Exchange, bytes: Uint8Array, sizeBytes: number): Promise<void> {
  const { res, clock, limits, signal } = exchange
  signal.throwIfAborted()
  exchange.bytesSent += bytes.length
  if (exchange.bytesSent > sizeBytes) throw new Error('more bytes than announced')
  // An answer that waits for the one before it on its connection has no socket yet.
  using _timer = res.socket ? clock.after(limits.answerIdleMs, () => res.destroy()) : undefined
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = () => resolve()
  // A write to a connection that is closed calls nobody back.
  res.once('close', done)
  if (exchange.bytesSent < sizeBytes) res.write(bytes, done)
  else res.end(bytes, done)
  await promise
  res.off('close', done)
  signal.throwIfAborted()
}

function isBodiless({ req }: Exchange, status: number): boolean {
  return req.method === 'HEAD' || status === 204 || status === 304
}

/** 204 and 304 have no length of their own; a HEAD has one only where GET's is known. */
function hasNoLength(exchange: Exchange, { status, stream, body }: Answer): boolean {
  if (status === 204 || status === 304) return true
  return exchange.req.method === 'HEAD' && !stream && body !== undefined
}
