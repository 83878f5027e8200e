import { type HeaderList, headerOf } from './hpack.ts'

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
export const GrpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const

/** How a call ended, in gRPC's words. */
export interface CallStatus {
  code: number
  details: string
}

export const OK: CallStatus = { code: GrpcCode.ok, details: '' }

/** A call that did not end well. */
export class CallError extends Error implements CallStatus {
  readonly code: number
  readonly details: string
  constructor({ code, details }: CallStatus) {
    super(details)
    this.name = 'CallError'
    this.code = code
    this.details = details
  }
}

/** Trailers that tell the status. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
export function statusHeaders({ code, details }: CallStatus): HeaderList {
  const status = ['grpc-status', String(code)] as const
  return details === '' ? [status] : [status, ['grpc-message', encodeDetails(details)]]
}

export function statusOf(headers: HeaderList): CallStatus | undefined {
  const code = headerOf(headers, 'grpc-status')
  if (code === undefined) return undefined
  const isNumber = /^\d{1,9}$/.test(code)
  return {
    code: isNumber ? Number(code) : GrpcCode.unknown,
    details: decodeDetails(headerOf(headers, 'grpc-message') ?? ''),
  }
}

/** Printable ASCII as it is, everything else as percent-encoded UTF-8. */
function encodeDetails(details: string): string {
  return details.toWellFormed().replace(/[^ -$&-~]/gu, (c) => encodeURIComponent(c))
}

/** What is not well encoded is shown as it came. */
function decodeDetails(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
