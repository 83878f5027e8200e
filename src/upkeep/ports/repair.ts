import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkDamage } from '../../engine/ports/damage-reports.ts'

/** What repair needs of the metadata. src/meta implements it. */
export interface RepairCatalogue {
  /**
   * Entries that are due, most endangered first, at most `rowsMax`, none of those `inHand`. Each is due again after a while
   * that grows with every attempt, whatever becomes of this one.
   */
  claimRepairs(query: { rowsMax: number; inHand: readonly PartId[] }, signal: AbortSignal): Promise<RepairEntry[]>
  findUnwantedServers(signal: AbortSignal): Promise<UnwantedServers>
  /**
   * To be called before anything is written: what is written where, so that it is found after a crash. Answers the moves
   * that may be made; of some of them a copy may lie there already, which only the sweep may delete.
   */
  planRepair(plan: RepairPlan, signal: AbortSignal): Promise<PlannedMove[]>
  commitRepair(commit: RepairCommit, signal: AbortSignal): Promise<RepairOutcome>
  /** An attempt failed: what it may have written is to be deleted, and people may read why. */
  failRepair(failure: { partId: PartId; error: string }, signal: AbortSignal): Promise<void>
  /**
   * Queues chunks that are said to be missing or rotten, as far as they are still where they were looked at, in parts that
   * are still wanted; answers how many that are.
   */
  queueDamage(damages: readonly ChunkDamage[], signal: AbortSignal): Promise<number>
}

export interface RepairEntry {
  partId: PartId
  /** Absent: nothing refers to the part any more. */
  layout: PartLayout | undefined
  /** Indexes of chunks that are said to be missing or rotten. */
  damaged: readonly number[]
}

/** Servers that parts' chunks are not to stay on. */
export interface UnwantedServers {
  /** Removed, or down for longer than the grace: what they had is to be rebuilt. */
  lost: readonly ServerNumber[]
  /** To be emptied: what they have is to be moved. */
  leaving: readonly ServerNumber[]
}

/** A chunk that is written to a server. */
export interface ChunkMove {
  index: number
  server: ServerNumber
}

export interface RepairPlan {
  partId: PartId
  moves: readonly ChunkMove[]
}

export interface PlannedMove extends ChunkMove {
  mayBeThere: boolean
}

export interface RepairCommit extends UnwantedServers {
  partId: PartId
  /** The part's servers as they were read. */
  before: readonly ServerNumber[]
  /** Chunks that are durable on other servers now, as planned. */
  moves: readonly ChunkMove[]
  /** Chunks whose damage is dealt with, whichever way. */
  settled: readonly number[]
  /** How long the copies that were replaced stay, for downloads that are under way. */
  graceMs: number
}

/**
 * ok: the row names the new servers. Otherwise nothing was changed, and what was written will be deleted. gone: nothing
 * refers to the part any more. changed: its row is another one by now. overtaken: another gateway gave the plan up.
 */
export type RepairOutcome = 'ok' | 'gone' | 'changed' | 'overtaken'

/** Makes chunks anew. src/engine implements it. */
export interface Rebuilder {
  /** Makes chunks of any six others. Answers the indexes that are durable now. Faults: DataUnavailable, or what all targets failed of. */
  rebuild(order: RebuildOrder, signal: AbortSignal): Promise<number[]>
  /** Copies chunks from where the part's row has them, every block verified. Answers the indexes that are durable now. */
  copy(order: RebuildOrder, signal: AbortSignal): Promise<number[]>
}

export interface RebuildOrder {
  layout: PartLayout
  /** The chunks to make, and where each is written. */
  targets: ReadonlyMap<number, ServerNumber>
  /** Resolves when so many bytes may be moved. */
  pace(bytes: number, signal: AbortSignal): Promise<void>
}

/** Chooses servers by the ring's rules. src/engine implements it. */
export interface RepairPlacer {
  /** Where chunk `index` goes, given where the part's other chunks are; undefined: nowhere. Never to one of `failed`. */
  replace(
    partId: PartId,
    index: number,
    servers: readonly ServerNumber[],
    failed: ReadonlySet<ServerNumber>,
  ): ServerNumber | undefined
}
