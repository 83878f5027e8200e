/**
 * What rooms tell of what they do; src/metrics counts it. All of these are called on the hot path: they return at once,
 * never throw, and cost a fraction of a microsecond.
 */

/** A request from the moment that its head was read. */
export interface RequestUnderWay {
  /** Undefined until an operation is chosen for it. */
  readonly operation: string | undefined
}

/** One finished request. */
export interface RequestRecord {
  /** Undefined where it was refused before an operation was chosen. */
  operation: string | undefined
  method: string
  status: number
  /** S3's error code. */
  code: string | undefined
  durationMs: number
  /** Until the head of the answer was written; undefined: it never was. */
  firstByteMs: number | undefined
  bytesIn: number
  bytesOut: number
}

/** Why a client was turned away before its request could be read. */
export type TurnedAway = 'connections' | 'pipelining' | 'not-http' | 'no-handshake' | 'no-proxy-header'

export interface RequestMeter {
  begin(request: RequestUnderWay): void
  end(request: RequestUnderWay, record: RequestRecord): void
  turnAway(reason: TurnedAway): void
}

/** Of one statement of SQL, from the wish for a connection to its last row. */
export interface StatementRecord {
  /** As it is prepared. */
  statement: string
  pool: string
  durationMs: number
  isFailed: boolean
}

export type StatementMeter = (record: StatementRecord) => void

/** A pool of connections as it is now. */
export interface PoolUse {
  name: string
  connectionsMax: number
  busy: number
  idle: number
  /** Calls that wait for a connection. */
  waiting: number
}

/** A replica that what may be a little old is read of. */
export interface ReplicaUse {
  /** It answered when it was asked last. */
  isUsed: boolean
  /** How far behind the primary it was when it was looked at last, in ms; undefined: it did not tell yet. */
  lagMs: number | undefined
  /** Statements that the primary carried out in its stead. */
  fallbacks: number
}

/** For whoever is not counted. */
export const silentRequestMeter: RequestMeter = { begin() {}, end() {}, turnAway() {} }
