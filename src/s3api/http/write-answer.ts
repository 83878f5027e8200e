import type { ServerResponse } from 'node:http'
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
 * Sends an answer and settles the connection. Rejects when a stream fails: before its first byte with nothing sent;
 * later, the caller has to break the connection off, so that nobody takes half an object for a whole one.
 */
export async function writeAnswer(exchange: Exchange, answer: Answer): Promise<void> {
  if (answer.stream && !isBodiless(exchange, answer.status)) return await writeStream(exchange, answer, answer.stream)
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
  if (exchange.isClosing() || planConnection(exchange) === 'drain') fields.push('Connection', 'close')
  for (const name in answer.headers) {
    const value = answer.headers[name]
    if (value !== undefined) fields.push(name, String(value))
  }
  if (sizeBytes !== undefined) fields.push('Content-Length', String(sizeBytes))
  exchange.isMeasured = sizeBytes !== undefined
  exchange.res.writeHead(answer.status, fields)
}

async function writeStream(exchange: Exchange, answer: Answer, stream: NonNullable<Answer['stream']>): Promise<void> {
  const { res } = exchange
  const chunks = stream.bytes[Symbol.asyncIterator]()
  try {
    // The head waits for the first bytes: until then a fault can still be told.
    let step = await chunks.next()
    const plan = planConnection(exchange)
    writeHead(exchange, answer, stream.sizeBytes)
    while (!step.done) {
      const chunk = step.value
      exchange.bytesSent += chunk.length
      const isTaken = exchange.bytesSent < stream.sizeBytes ? res.write(chunk) : true
      if (exchange.bytesSent === stream.sizeBytes) res.end(chunk)
      else if (exchange.bytesSent > stream.sizeBytes) throw new Error('more bytes than announced')
      if (!isTaken) await drained(exchange)
      exchange.signal.throwIfAborted()
      step = await chunks.next()
    }
    if (exchange.bytesSent !== stream.sizeBytes) throw new Error('fewer bytes than announced')
    if (!res.writableEnded) res.end()
    await finishAnswer(exchange, plan)
  } finally {
    // The producer lets go of its chunk streams, also when the client went away.
    await chunks.return?.()
  }
}

/** Resolves when the client took what was written; the connection is broken off if it takes nothing for `answerIdleMs`. */
async function drained({ res, clock, limits }: Exchange): Promise<void> {
  using _timer = clock.after(limits.answerIdleMs, () => res.destroy())
  await settled(res)
}

function settled(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done)
      res.off('close', done)
      resolve()
    }
    res.on('drain', done)
    res.on('close', done)
  })
}

function isBodiless({ req }: Exchange, status: number): boolean {
  return req.method === 'HEAD' || status === 204 || status === 304
}

/** 204 and 304 have no length of their own; a HEAD has one only where GET's is known. */
function hasNoLength(exchange: Exchange, { status, stream, body }: Answer): boolean {
  if (status === 204 || status === 304) return true
  return exchange.req.method === 'HEAD' && !stream && body !== undefined
}
