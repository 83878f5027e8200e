import type { Answer } from './http/write-answer.ts'
import type { RequestHead } from './request-head.ts'

/** What `GET /health` tells: whether the store can serve, and what of it cannot. */
export interface HealthReport {
  ok: boolean
  /** Anything that JSON can hold; shown to whoever asks, so no secrets. */
  [detail: string]: unknown
}

/** `health` is no bucket's name; in virtual-host style it is a key like any other. */
export function isHealthRequest({ method, bucket, key, isVirtualHost }: RequestHead): boolean {
  return bucket === 'health' && key === undefined && !isVirtualHost && (method === 'GET' || method === 'HEAD')
}

export function healthAnswer(report: HealthReport): Answer {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }
  return { status: report.ok ? 200 : 503, headers, body: Buffer.from(JSON.stringify(report)) }
}
