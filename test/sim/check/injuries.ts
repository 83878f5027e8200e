import type { PartId, ServerNumber } from '../../../src/base/ids.ts'
import type { PartLayout } from '../../../src/base/model.ts'

/** The chunks that a run has spoilt, or that were never written: as long as a part lost no more than its parity, it lives. */
export class Injuries {
  readonly #lostServers = new Set<ServerNumber>()
  readonly #injured = new Map<PartId, Set<number>>()

  /** A part was committed: what it lacks already. */
  noteCommitted({ partId, servers }: PartLayout): void {
    for (const [index, server] of servers.entries()) {
      if (server === 0 || this.#lostServers.has(server)) this.injure(partId, index)
    }
  }

  /** Chunks were written elsewhere, and a part's row says so now: what was lost between the two counts as well. */
  noteMoved(partId: PartId, moves: readonly { index: number; server: ServerNumber }[]): void {
    for (const { index, server } of moves) if (this.#lostServers.has(server)) this.injure(partId, index)
  }

  injure(partId: PartId, index: number): void {
    this.#injured.set(partId, (this.#injured.get(partId) ?? new Set()).add(index))
  }

  /** A server's disk is gone. */
  loseServer(server: ServerNumber, layouts: Iterable<PartLayout>): void {
    this.#lostServers.add(server)
    for (const { partId, servers } of layouts) {
      for (const [index, holder] of servers.entries()) if (holder === server) this.injure(partId, index)
    }
  }

  /** Whether a part would live on without these chunks too. */
  wouldSurvive({ partId, parityChunks }: PartLayout, more: readonly number[] = []): boolean {
    return new Set([...(this.#injured.get(partId) ?? []), ...more]).size <= parityChunks
  }
}
