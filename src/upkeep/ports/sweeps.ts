import type { PartId, ServerNumber } from '../../base/ids.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ChunkName } from '../../engine/ports/chunk-store.ts'
import type { RestoreWatch } from './restores.ts'

/** A part that nothing refers to any more, claimed for deletion. */
export interface DoomedPart extends PartLayout {
  doomedAt: Date
}

/** What the sweeps need of the metadata. src/meta implements it. */
export interface UpkeepCatalogue extends RestoreWatch {
  /**
   * Runs `job` if no other gateway is running one of that name; answers whether it ran. The lock ends with the database
   * session, so a gateway killed in the middle blocks nobody.
   */
  exclusively(job: string, run: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<boolean>
  /**
   * Aborts multipart uploads whose time is over, at most `rowsMax`; their parts become doomed. Answers how many. None in a
   * database that was restored: they may have become objects in the time that it lost.
   */
  expireUploads(rowsMax: number, signal: AbortSignal): Promise<number>
  /**
   * Parts doomed longer than `graceMs` ago (by the database's clock), in order of part id, ids > `after` ('' for the
   * first page). Their chunks may be deleted.
   */
  findDoomedParts(
    query: { graceMs: number; after: string; rowsMax: number },
    signal: AbortSignal,
  ): Promise<DoomedPart[]>
  /** Forgets doomed parts whose chunks are gone. */
  forgetDoomedParts(partIds: readonly PartId[], signal: AbortSignal): Promise<void>
  /**
   * Sessions of gateways that are gone for longer than their TTL. From the moment they are answered, nothing that such a
   * session wrote can be committed any more (a gateway that slept through its own TTL must not refer to swept chunks).
   */
  findExpiredSessions(signal: AbortSignal): Promise<number[]>
  /** Of these part ids, those that no row knows, nor a restored database may have forgotten. */
  findUnknownParts(partIds: readonly PartId[], signal: AbortSignal): Promise<PartId[]>
  forgetSession(session: number, signal: AbortSignal): Promise<void>
  /**
   * Chunks on a server that repairs left over there, and whose time is come. From now on no repair can come to name them:
   * they may be deleted, and must then be forgotten.
   */
  claimStrays(query: { server: ServerNumber; rowsMax: number }, signal: AbortSignal): Promise<StrayChunk[]>
  forgetStrays(strays: readonly StrayChunk[], signal: AbortSignal): Promise<void>
}

/** A chunk that lies where its part's row does not have it. */
export interface StrayChunk extends ChunkName {
  server: ServerNumber
}
