import { StoreFault } from '../base/faults.ts'
import type { BucketId, ObjectKey, VersionId } from '../base/ids.ts'
import type { WriteCondition } from '../base/model.ts'
import type { Catalogue, ObjectCommit } from '../engine/ports/catalogue.ts'
import { makeBatcher } from './batch.ts'
import type { Databases } from './databases.ts'
import { copyObject, deleteObjects } from './queries/change-objects.ts'
import { type CommitRow, commitObjects } from './queries/commit-objects.ts'
import { giveUpParts } from './queries/find-parts.ts'
import { refusal } from './refusal.ts'
import { LostConnection, toFault } from './trouble.ts'

type ObjectWrites = Pick<Catalogue, 'commitObject' | 'copyObject' | 'deleteObjects' | 'doomUncommitted'>

/** Writes that wait together are committed together. Once one is sent, its caller waits for what became of it. */
export function objectWrites({ hot, general, clock }: Databases, settings: { resolveMs: number }): ObjectWrites {
  const commits = makeBatcher<ObjectCommit, CommitRow | StoreFault>({
    lanesMax: 2,
    weightMax: 64,
    waitingMax: 10_000,
    keyOf: ({ bucketId, key }) => `${bucketId}/${key}`,
    onAbort: 'stay',
    clock,
    run: (items) => commitBatch(items),
  })

  /** A part's id tells whether it was committed before, so that a batch whose answer was lost can be sent again. */
  async function commitBatch(items: readonly ObjectCommit[]): Promise<(CommitRow | StoreFault)[]> {
    try {
      const [rows] = await hot.runRaw(commitObjects, items, false)
      return rows!
    } catch (error) {
      if (!(error instanceof LostConnection && error.sent)) throw toFault(error, false)
      const unknown = toFault(error, true) as StoreFault
      const withPart = items.filter((item) => item.part)
      const [rows] = await hot.runUntilKnown(commitObjects, withPart, settings.resolveMs).catch(() => [])
      return items.map((item) => (item.part && rows?.[withPart.indexOf(item)]) || unknown)
    }
  }

  const deletes = makeBatcher<{ bucketId: BucketId; keys: readonly ObjectKey[] }, undefined>({
    lanesMax: 1,
    weightMax: 1000,
    waitingMax: 10_000,
    weigh: ({ keys }) => keys.length,
    onAbort: 'stay',
    clock,
    async run(items) {
      const bucketIds = items.flatMap(({ bucketId, keys }) => keys.map(() => bucketId))
      const keys = items.flatMap((item) => item.keys)
      await hot.run(deleteObjects, { bucketIds, keys }, { repeatable: false })
      return items.map(() => undefined)
    },
  })

  return {
    async commitObject(commit, signal) {
      const row = await commits.submit(commit, signal)
      if (row instanceof StoreFault) throw row
      return committed(row, commit)
    },
    async copyObject(copy, signal) {
      const [row] = await general.run(copyObject, copy, { signal, repeatable: false })
      if (row!.outcome === 'no-source') throw new StoreFault('NoSuchKey', { key: copy.source.key })
      return committed(row!, copy)
    },
    async deleteObjects(bucketId, keys, signal) {
      if (keys.length > 0) await deletes.submit({ bucketId, keys }, signal)
    },
    async doomUncommitted(layouts, signal) {
      await general.run(giveUpParts, layouts, { signal, repeatable: true })
    },
  }
}

/** The answer, or the refusal thrown. */
function committed(
  row: { outcome: Parameters<typeof refusal>[0] | 'ok' | 'repeated'; versionId: VersionId; committedAt: Date },
  target: { key: ObjectKey; condition: WriteCondition },
): { versionId: VersionId; committedAt: Date } {
  const { outcome, versionId, committedAt } = row
  if (outcome !== 'ok' && outcome !== 'repeated') throw refusal(outcome, target)
  return { versionId, committedAt }
}
