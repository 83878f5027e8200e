import type { PartId, ServerNumber } from '../../base/ids.ts'

/** What the census needs of the metadata. src/meta implements it. */
export interface CensusCatalogue {
  /** Looks at the servers. To be called every few seconds: one counts as lost once it was seen down for `graceMs`. */
  observeServers(query: { graceMs: number }, signal: AbortSignal): Promise<ServerConditions>
  /** What repair has done so far, and whether there is anything left for it to do. */
  readRepairs(signal: AbortSignal): Promise<{ repairedParts: number; isQueueEmpty: boolean }>
  /** Parts that something refers to, in order of id, ids > `after` ('' for the first page). */
  surveyParts(query: { after: string; rowsMax: number }, signal: AbortSignal): Promise<SurveyedPart[]>
  /** Puts parts on the repair queue, or sets right what it says of them. */
  queueParts(parts: readonly EndangeredPart[], signal: AbortSignal): Promise<void>
  /** Makes entries of the repair queue that wait for another attempt due now, at most `rowsMax`; answers how many. */
  retryRepairs(rowsMax: number, signal: AbortSignal): Promise<number>
}

export interface ServerConditions {
  up: ServerNumber[]
  /** To be emptied; they serve what they have. */
  draining: ServerNumber[]
  /** Without heartbeats, or with a disk that refuses writes. */
  down: ServerNumber[]
  /** Removed, or down for longer than the grace. */
  lost: ServerNumber[]
}

export interface SurveyedPart {
  partId: PartId
  servers: ServerNumber[]
  /** Indexes of chunks that the repair queue says are damaged. */
  damaged: readonly number[]
}

export interface EndangeredPart {
  partId: PartId
  /** 0: all are there, but some on a server that is to be emptied. */
  missing: number
  /** What is left beyond the six chunks that it needs; below 0 it cannot be read. */
  spare: number
}
