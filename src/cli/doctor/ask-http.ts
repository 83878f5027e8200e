import { request as requestPlain } from 'node:http'
import { request as requestSecurely } from 'node:https'

export interface HttpAnswer {
  status: number
  /** Its beginning, at most. */
  body: string
  /** Of the header `Date`, in whole seconds; undefined: there is none. */
  dateMs: number | undefined
}

const BODY_BYTES_MAX = 2 * 1024 * 1024

/** A GET, by http or https. Certificates are not judged here: it is only asked who is there. Rejects when nobody answers. */
export function askHttp(url: string, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:') ? requestSecurely : requestPlain
    const options = { signal, agent: false as const, rejectUnauthorized: false, headers: { connection: 'close' } }
    const asking = request(url, options, (answer) => {
      let body = ''
      const done = () => {
        const dateMs = Date.parse(answer.headers.date ?? '')
        resolve({ status: answer.statusCode ?? 0, body, dateMs: Number.isNaN(dateMs) ? undefined : dateMs })
      }
      answer.setEncoding('utf8').on('data', (text: string) => {
        body += text
        if (body.length > BODY_BYTES_MAX) {
          done()
          answer.destroy()
        }
      })
      answer.on('end', done).on('error', reject)
    })
    asking.on('error', reject).end()
  })
}

/** Whether that is the health report of one of our gateways. */
export function isGatewayReport({ body }: Pick<HttpAnswer, 'body'>): boolean {
  const report = parseObject(body)
  return typeof report.status === 'string' && Array.isArray(report.nodes) && typeof report.database === 'object'
}

export function parseObject(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}
