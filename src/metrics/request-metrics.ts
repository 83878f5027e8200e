import type { RequestMeter, RequestRecord, RequestUnderWay, TurnedAway } from '../base/meters.ts'
import { Histogram, REQUEST_SECONDS } from './histogram.ts'
import { type Family, family, inGroup, single } from './metric.ts'
import { rejectionOf, rejectionReasons } from './rejections.ts'
import { Counts, Tally } from './tally.ts'

const { counter, gauge, histogram } = inGroup('Requests')
const labels = ['operation']

export const requestMetrics = {
  requests: counter({
    name: 'sextant_requests_total',
    labels: ['operation', 'status'],
    about:
      "Requests that are over. `operation` is S3's name, or Health, Preflight, or none where it was refused before one was chosen; `status` is the class of the answer (2xx), or 499: the client went away.",
  }),
  errors: counter({
    name: 'sextant_request_errors_total',
    labels: ['operation', 'code'],
    about: "Requests that were refused, or failed, by S3's error code.",
  }),
  seconds: histogram({
    name: 'sextant_request_seconds',
    labels,
    bounds: REQUEST_SECONDS,
    about: 'From the head of a request to the last byte of its answer, bodies included.',
  }),
  firstByte: histogram({
    name: 'sextant_first_byte_seconds',
    labels,
    bounds: REQUEST_SECONDS,
    about: 'From the head of a request to the head of its answer.',
  }),
  received: counter({
    name: 'sextant_received_bytes_total',
    labels,
    about: "Bytes of requests' bodies, as they came.",
  }),
  sent: counter({ name: 'sextant_sent_bytes_total', labels, about: "Bytes of answers' bodies." }),
  active: gauge({ name: 'sextant_requests_active', labels, about: 'Requests under way.' }),
  uploads: gauge({ name: 'sextant_uploads_active', about: 'Of them: those that bring the bytes of objects.' }),
  downloads: gauge({ name: 'sextant_downloads_active', about: 'Of them: those that take the bytes of objects.' }),
  rejected: counter({
    name: 'sextant_rejected_requests_total',
    labels: ['reason'],
    about:
      'Turned away: authentication (no valid signature), permission, overload (503 SlowDown), unavailable (the database or too many nodes are away), no-space (507), time-out (a body that did not come); and before there was a request: connections (too many), pipelining (too many on one connection), not-http, no-handshake (TLS), no-proxy-header (SEXTANT_PROXY_PROTOCOL).',
  }),
} as const

const UPLOADS = new Set(['PutObject', 'UploadPart', 'PostObject'])
const DOWNLOADS = new Set(['GetObject'])
const NO_OPERATION = 'none'

interface OfOperation {
  seconds: Histogram
  firstByte: Histogram
  receivedBytes: number
  sentBytes: number
  statuses: Counts
  errors: Counts
}

/** Counts what the S3 front tells. */
export class RequestCounter implements RequestMeter {
  readonly #operations = new Tally<OfOperation>(() => ({
    seconds: new Histogram(REQUEST_SECONDS),
    firstByte: new Histogram(REQUEST_SECONDS),
    receivedBytes: 0,
    sentBytes: 0,
    statuses: new Counts(),
    errors: new Counts(),
  }))
  readonly #rejected = new Counts(rejectionReasons)
  /** Asked for its operations when somebody wants to know: so nothing is counted up that is not counted down. */
  readonly #active = new Set<RequestUnderWay>()

  begin(request: RequestUnderWay): void {
    this.#active.add(request)
  }

  end(request: RequestUnderWay, record: RequestRecord): void {
    this.#active.delete(request)
    const { operation = NO_OPERATION, status, code, durationMs, firstByteMs, bytesIn, bytesOut } = record
    const entry = this.#operations.of(operation)
    entry.seconds.observe(durationMs / 1000)
    if (firstByteMs !== undefined) entry.firstByte.observe(firstByteMs / 1000)
    entry.receivedBytes += bytesIn
    entry.sentBytes += bytesOut
    entry.statuses.add(statusClass(status))
    if (code === undefined) return
    entry.errors.add(code)
    const reason = rejectionOf(code)
    if (reason !== undefined) this.#rejected.add(reason)
  }

  turnAway(reason: TurnedAway): void {
    this.#rejected.add(reason)
  }

  collect(): Family[] {
    const all = [...this.#operations.entries()]
    const by = <T>(pick: (entry: OfOperation) => T) => all.map(([name, entry]) => [[name], pick(entry)] as const)
    const each = (pick: (entry: OfOperation) => Counts) =>
      all.flatMap(([name, entry]) => Array.from(pick(entry).entries(), ([key, count]) => [[name, key], count] as const))
    return [
      family(
        requestMetrics.requests,
        each(({ statuses }) => statuses),
      ),
      family(
        requestMetrics.errors,
        each(({ errors }) => errors),
      ),
      family(
        requestMetrics.seconds,
        by(({ seconds }) => seconds.read()),
      ),
      family(
        requestMetrics.firstByte,
        by(({ firstByte }) => firstByte.read()),
      ),
      family(
        requestMetrics.received,
        by(({ receivedBytes }) => receivedBytes),
      ),
      family(
        requestMetrics.sent,
        by(({ sentBytes }) => sentBytes),
      ),
      ...this.#collectActive(),
      family(
        requestMetrics.rejected,
        Array.from(this.#rejected.entries(), ([reason, count]) => [[reason], count] as const),
      ),
    ]
  }

  #collectActive(): Family[] {
    const active = new Counts()
    let uploads = 0
    let downloads = 0
    for (const { operation = NO_OPERATION } of this.#active) {
      active.add(operation)
      if (UPLOADS.has(operation)) uploads++
      if (DOWNLOADS.has(operation)) downloads++
    }
    return [
      family(
        requestMetrics.active,
        Array.from(active.entries(), ([name, count]) => [[name], count] as const),
      ),
      single(requestMetrics.uploads, uploads),
      single(requestMetrics.downloads, downloads),
    ]
  }
}

const CLASSES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx']

function statusClass(status: number): string {
  return status === 499 ? '499' : (CLASSES[Math.floor(status / 100)] ?? 'other')
}
