import { NOWHERE, NULL_VERSION, sessionOfPart, type VersionId } from '../../base/ids.ts'
import type { ObjectCommit } from '../../engine/ports/catalogue.ts'
import { allOrNull, extrasText, intArray, originText, storedBytes } from '../rows.ts'
import { statement } from '../statement.ts'

export type CommitOutcome =
  | 'ok'
  | 'repeated'
  | 'given-up'
  | 'session-over'
  | 'no-bucket'
  | 'no-key'
  | 'precondition-failed'

export interface CommitRow {
  outcome: CommitOutcome
  versionId: VersionId
  committedAt: Date
}

/** Many plain PUTs, one transaction, one outcome each, in one row (commit_and_note_v2). */
export const commitObjects = statement({
  name: 'commit_and_note_v2',
  text: /* sql */ `
    select commit_and_note_v2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                              $22) as done`,
  bind: (commits: readonly ObjectCommit[]) => [
    sessionsOf(commits),
    commits.map((c) => c.bucketId),
    commits.map((c) => c.key),
    commits.map((c) => c.sizeBytes),
    commits.map((c) => c.etag),
    commits.map((c) => c.attributes.storageClass),
    commits.map((c) => c.checksum?.algorithm),
    commits.map((c) => c.checksum?.value),
    commits.map((c) => c.checksum?.type),
    commits.map((c) => JSON.stringify(c.attributes.headers)),
    commits.map((c) => JSON.stringify(c.attributes.userMetadata)),
    allOrNull(commits.map((c) => extrasText(c.extras))),
    commits.map((c) => c.condition.ifNoneMatch === '*'),
    commits.map((c) => c.condition.ifMatch ?? ''),
    commits.map((c) => c.part?.partId),
    commits.map((c) => c.part?.blockBytes),
    commits.map((c) => c.part?.parityChunks),
    commits.map((c) => c.part && intArray(c.part.servers)),
    commits.map((c) => c.part?.chunkHashes),
    commits.map((c) => c.part?.servers.filter((server) => server === NOWHERE).length ?? 0),
    allOrNull(commits.map((c) => originText(c.origin))),
    allOrNull(commits.map((c) => storedBytes(c.part))),
  ],
  row: (r): CommitRow[] => {
    const [outcomes, times, versions] = r.done as [CommitOutcome[], string[], VersionId[] | null]
    return outcomes.map((outcome, n) => ({
      outcome,
      versionId: versions?.[n] ?? NULL_VERSION,
      committedAt: new Date(times[n]!),
    }))
  },
})

/** Locks are taken in this order: as PostgreSQL sorts integers. */
function sessionsOf(commits: readonly ObjectCommit[]): number[] {
  const sessions = new Set<number>()
  for (const { part } of commits) if (part) sessions.add(sessionOfPart(part.partId))
  return [...sessions].sort((a, b) => a - b)
}
