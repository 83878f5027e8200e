import { type FaultCode, type MarkerDetail, StoreFault } from '../base/faults.ts'
import { type ErrorRow, errorTable } from './errors.ts'
import type { Answer } from './http/write-answer.ts'
import { text } from './xml/kinds.ts'
import { optional, structure } from './xml/shape.ts'
import { writeXml, XML_DECLARATION } from './xml/write-xml.ts'

export interface ErrorContext {
  /** The path asked for. */
  resource: string
  requestId: string
  hostId: string
}

/** Whatever was thrown, as a fault: what is none is a bug, of which the client learns nothing. */
export function asFault(error: unknown): StoreFault {
  return error instanceof StoreFault ? error : new StoreFault('InternalError', {}, { cause: error })
}

/** S3's code and message of a fault. */
export function describeFault(fault: StoreFault): { code: string; message: string; status: number } {
  const row = rowOf(fault)
  const message = typeof row.message === 'string' ? row.message : row.message(fault.detail)
  const status = typeof row.status === 'number' ? row.status : row.status(fault.detail)
  return { code: row.code ?? fault.code, message, status }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#RESTErrorResponses */
export function errorAnswer(fault: StoreFault, context: ErrorContext): Answer {
  const { status } = describeFault(fault)
  if (status === 304) return { status, headers: { ETag: quotedETag(fault) } }
  const body = Buffer.from(XML_DECLARATION + errorXml(fault, context))
  return { status, headers: { 'Content-Type': 'application/xml', ...headersOf(fault) }, body }
}

/** The `<Error>` element alone: also what a 200 ends with when a slow operation fails. */
export function errorXml(fault: StoreFault, { resource, requestId, hostId }: ErrorContext): string {
  const { code, message } = describeFault(fault)
  const elements: Record<string, string> = { Code: code, Message: message }
  for (const [name, value] of Object.entries(rowOf(fault).elements?.(fault.detail) ?? {})) {
    if (value !== undefined) elements[name] = String(value)
  }
  Object.assign(elements, { Resource: resource, RequestId: requestId, HostId: hostId })
  const shape = structure(Object.fromEntries(Object.keys(elements).map((name) => [name, optional(text)])))
  return writeXml('Error', shape, elements, '')
}

function rowOf(fault: StoreFault): ErrorRow<FaultCode> {
  return errorTable[fault.code] as ErrorRow<FaultCode>
}

function quotedETag({ detail }: StoreFault): string | undefined {
  return 'etag' in detail && detail.etag !== undefined ? `"${detail.etag}"` : undefined
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html */
function markerHeaders({ versionId, committedAt }: MarkerDetail, isNamed: boolean): Answer['headers'] {
  const headers = { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId }
  return isNamed ? { ...headers, 'Last-Modified': committedAt.toUTCString(), Allow: 'DELETE' } : headers
}

/** RFC 9110: 416 tells the size that there is, 405 what else would do; and one may try again after 503. */
function headersOf({ code, detail }: StoreFault): Answer['headers'] {
  if (code === 'InvalidRange') return { 'Content-Range': `bytes */${(detail as { sizeBytes: number }).sizeBytes}` }
  if ('marker' in detail && detail.marker) return markerHeaders(detail.marker, code === 'MethodNotAllowed')
  if ('retryAfterSeconds' in detail && detail.retryAfterSeconds !== undefined) {
    return { 'Retry-After': detail.retryAfterSeconds }
  }
  if (code === 'SlowDown' || code === 'ServiceUnavailable') return { 'Retry-After': 1 }
  return {}
}
