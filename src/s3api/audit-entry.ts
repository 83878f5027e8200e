import type { StoreFault } from '../base/faults.ts'
import type { RequestRecord } from '../base/meters.ts'
import { describeFault } from './error-answer.ts'
import type { Exchange } from './http/exchange.ts'
import type { Trace } from './trace.ts'

/**
 * One request, as the audit log keeps it. Only what is named here gets there: no query, no headers, no bodies, for
 * signatures, policies of forms and customers' keys travel in those.
 */
export interface AuditEntry {
  /** When it was over; ISO 8601, UTC. */
  time: string
  requestId: string
  remote: string | undefined
  /** Whose signature was right. */
  accessKeyId: string | undefined
  /** Whose signature it was said to be, and was not. */
  claimedAccessKeyId: string | undefined
  /** Canonical id and name. */
  accountId: string | undefined
  account: string | undefined
  /** Undefined where it was refused before one was chosen. */
  operation: string | undefined
  method: string | undefined
  bucket: string | undefined
  key: string | undefined
  versionId: string | undefined
  status: number
  /** S3's error code. */
  code: string | undefined
  bytesIn: number
  bytesOut: number
  durationMs: number
}

/** Who may listen to requests for a while. */
export interface RequestWatch {
  /** Asked before anything is made to be told. */
  readonly listens: boolean
  tell(entry: AuditEntry): void
}

interface Finished {
  exchange: Exchange
  record: RequestRecord
  trace: Trace
  fault: StoreFault | undefined
  nowMs: number
}

export function auditEntry({ exchange, record, trace, fault, nowMs }: Finished): AuditEntry {
  const { accessKey, head } = trace
  return {
    time: new Date(nowMs).toISOString(),
    requestId: exchange.requestId,
    remote: exchange.address,
    accessKeyId: accessKey?.accessKeyId,
    claimedAccessKeyId: claimOf(fault),
    accountId: accessKey?.account.id,
    account: accessKey?.account.name,
    operation: record.operation,
    method: record.method,
    bucket: head?.bucket,
    key: trace.key ?? head?.key,
    versionId: trace.versionId ?? head?.query.get('versionId'),
    status: record.status,
    code: record.code,
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    durationMs: record.durationMs,
  }
}

/** Of bytes that never became a request. */
export function brokenRequestEntry(
  fault: StoreFault,
  { requestId, remote, nowMs }: { requestId: string; remote: string | undefined; nowMs: number },
): AuditEntry {
  const { status, code } = describeFault(fault)
  return { ...NOTHING, time: new Date(nowMs).toISOString(), requestId, remote, status, code }
}

const NOTHING = {
  accessKeyId: undefined,
  claimedAccessKeyId: undefined,
  accountId: undefined,
  account: undefined,
  operation: undefined,
  method: undefined,
  bucket: undefined,
  key: undefined,
  versionId: undefined,
  bytesIn: 0,
  bytesOut: 0,
  durationMs: 0,
}

/** Only where there is such a key: what is given for one else may be a secret in the wrong place. */
function claimOf(fault: StoreFault | undefined): string | undefined {
  return fault?.code === 'SignatureDoesNotMatch'
    ? (fault as StoreFault<'SignatureDoesNotMatch'>).detail.accessKeyId
    : undefined
}
