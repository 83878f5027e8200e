import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { SurveyedPart } from './census.ts'

/** What people are told of the repair queue and what else waits. src/meta implements it. */
export interface UpkeepReports {
  readQueues(signal: AbortSignal): Promise<Queues>
  /** Parts in the queue, the most endangered first, at most `rowsMax`. */
  listQueuedParts(rowsMax: number, signal: AbortSignal): Promise<SurveyedPart[]>
  /** On all servers, as they said with their last heartbeats. */
  countChunks(signal: AbortSignal): Promise<number>
  /** Servers whose chunks are not to be had now: removed, or down as far as is known. */
  findGoneServers(signal: AbortSignal): Promise<ServerNumber[]>
  /** All that were not removed, as they said with their last heartbeats. */
  readServers(signal: AbortSignal): Promise<ServerStanding[]>
}

export interface ServerStanding {
  server: ServerNumber
  status: 'up' | 'draining' | 'cordoned' | 'failed'
  capacityBytes: number
  /** What new chunks may take; 0: it is full. */
  availableBytes: number
  chunks: number
  /** By the database's clock. */
  heartbeatSecondsAgo: number
  /** It missed three heartbeats. */
  isStale: boolean
}

export interface Queues {
  repair: RepairQueue
  /** Chunks that repairs left over, and that are still to be deleted. */
  strayChunks: number
  /** Parts that nothing refers to, and whose chunks are still to be deleted. */
  doomedParts: number
}

export interface RepairQueue {
  /** With chunks missing. */
  parts: number
  /** Of their missing chunks, without those of unreadable parts. Estimated, when there are very many. */
  bytes: number
  /** With all chunks, some of them on servers that are to be emptied. */
  toMove: number
  /** Of their chunks on those servers. Estimated, when there are very many. */
  toMoveBytes: number
  /** Of them: with six chunks, and none to spare. */
  withoutSpare: number
  /** Of them: with fewer than six. */
  unreadable: number
  /** Of them: whose last attempt failed. */
  failing: number
  /** Why, of a few. */
  failures: { partId: PartId; error: string }[]
}
