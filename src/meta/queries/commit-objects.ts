import type { VersionId } from '../../base/ids.ts'
import type { ObjectCommit } from '../../engine/ports/catalogue.ts'
import { intArray } from '../rows.ts'
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

/** Many plain PUTs, one transaction, one outcome each (commit_objects_v1). */
export const commitObjects = statement({
  name: 'commit_objects_v1',
  text: /* sql */ `
    select outcome, version_id, committed_at
      from commit_objects_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
     order by row_number`,
  bind: (commits: readonly ObjectCommit[]) => [
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
    commits.map((c) => c.condition.ifNoneMatch === '*'),
    commits.map((c) => c.condition.ifMatch ?? ''),
    commits.map((c) => c.part?.partId),
    commits.map((c) => c.part?.blockBytes),
    commits.map((c) => c.part?.parityChunks),
    commits.map((c) => c.part && intArray(c.part.servers)),
    commits.map((c) => c.part?.chunkHashes),
  ],
  row: (r): CommitRow => ({
    outcome: r.outcome as CommitOutcome,
    versionId: r.version_id as VersionId,
    committedAt: r.committed_at as Date,
  }),
})
