import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { SurveyedPart } from './census.ts'

/** What people are told of the repair queue and what else waits. src/meta implements it. */
export interface UpkeepReports {
  readQueues(signal: AbortSignal): Promise<Queues>
  /** Parts in the queue, the most endangered first, at most `rowsMax`. */
  listQueuedParts(rowsMax: number, signal: AbortSignal): Promise<SurveyedPart[]>
  /** Servers whose chunks are not to be had now: removed, or down as far as is known. */
  findGoneServers(signal: AbortSignal): Promise<ServerNumber[]>
}

export interface Queues {
  repair: RepairQueue
  /** Chunks that repairs left over, and that are still to be deleted. */
  strayChunks: number
  /** Parts that nothing refers to, and whose chunks are still to be deleted. */
  doomedParts: number
}

export interface RepairQueue {
  parts: number
  /** Of them: with six chunks, and none to spare. */
  withoutSpare: number
  /** Of them: with fewer than six. */
  unreadable: number
  /** Of them: whose last attempt failed. */
  failing: number
  /** Why, of a few. */
  failures: { partId: PartId; error: string }[]
}
