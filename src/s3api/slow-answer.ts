import type { Exchange } from './http/exchange.ts'
import { writeHead } from './http/write-answer.ts'
import { XML_DECLARATION } from './xml/write-xml.ts'

/**
 * Waits for an operation that may take minutes. From `slowAnswerMs` on, the client gets a 200, and then white space, so that
 * neither it nor a proxy gives up; what the operation says comes behind that, be it an error.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export async function showingLife<T>(exchange: Exchange, status: number, work: Promise<T>): Promise<T> {
  const { res, clock, limits, signal } = exchange
  let timer = clock.after(limits.slowAnswerMs, tick)
  function tick(): void {
    if (signal.aborted) return
    if (!res.headersSent) {
      writeHead(exchange, { status, headers: { 'Content-Type': 'application/xml' } }, undefined)
      res.write(XML_DECLARATION)
    } else {
      res.write(' ')
    }
    timer = clock.after(limits.slowAnswerMs, tick)
  }
  try {
    return await work
  } finally {
    timer[Symbol.dispose]()
  }
}
