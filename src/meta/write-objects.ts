import { StoreFault } from '../base/faults.ts'
import type { BucketId, ObjectKey, VersionId } from '../base/ids.ts'
import type { WriteCondition } from '../base/model.ts'
import type { Catalogue, DeletedObject, DeleteTarget, ObjectCommit } from '../engine/ports/catalogue.ts'
import { makeBatcher } from './batch.ts'
import type { Databases } from './databases.ts'
import { copyObject, type DeleteRow, deleteObjects } from './queries/change-objects.ts'
import { type CommitRow, commitObjects } from './queries/commit-objects.ts'
import { giveUpParts, noteStrays } from './queries/find-parts.ts'
import { deleteRefusal, refusal } from './refusal.ts'
import { LostConnection, toFault } from './trouble.ts'

type ObjectWrites = Pick<Catalogue, 'commitObject' | 'copyObject' | 'deleteObjects' | 'doomUncommitted' | 'noteStrays'>

/** Writes that wait together are committed together. Once one is sent, its caller waits for what became of it. */
export function objectWrites(
  { hot, general, clock, batched }: Databases,
  settings: { resolveMs: number },
): ObjectWrites {
  const commits = makeBatcher<ObjectCommit, CommitRow | StoreFault>({
    lanesMax: 2,
    weightMax: 64,
    waitingMax: 10_000,
    keyOf: ({ bucketId, key }) => `${bucketId}/${key}`,
    onAbort: 'stay',
    clock,
    statement: commitObjects.name,
    told: batched,
    run: (items) => commitBatch(items),
  })

  /**
   * A part's id tells whether it was committed before, so that a batch whose answer was lost can be sent again. Its items
   * hear of it later: new commits go on meanwhile, or are refused at once.
   */
  async function commitBatch(items: readonly ObjectCommit[]): Promise<(CommitRow | Promise<CommitRow | StoreFault>)[]> {
    try {
      const [rows] = await hot.runRaw(commitObjects, items, false)
      return rows!
    } catch (error) {
      if (!(error instanceof LostConnection && error.sent)) throw toFault(error, false)
      const unknown = toFault(error, true) as StoreFault
      const withPart = items.filter((item) => item.part)
      const { resolveMs } = settings
      const resolved = hot.runUntilKnown(commitObjects, withPart, { resolveMs, lost: error }).then(
        ([rows]) => rows,
        () => undefined,
      )
      return items.map(async (item) => (item.part && (await resolved)?.[withPart.indexOf(item)]) || unknown)
    }
  }

  const deletes = makeBatcher<{ bucketId: BucketId; targets: readonly DeleteTarget[] }, DeleteRow[]>({
    lanesMax: 1,
    weightMax: 1000,
    waitingMax: 10_000,
    weigh: ({ targets }) => targets.length,
    onAbort: 'stay',
    clock,
    statement: deleteObjects.name,
    told: batched,
    async run(items) {
      const all = items.flatMap(({ bucketId, targets }) => targets.map((target) => ({ ...target, bucketId })))
      const [rowAt] = await hot.run(deleteObjects, all, { repeatable: false })
      let at = 0
      return items.map(({ targets }) => targets.map(() => rowAt!(at++)))
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
    async deleteObjects(bucketId, targets, signal) {
      if (targets.length === 0) return []
      const rows = await deletes.submit({ bucketId, targets }, signal)
      return rows.map((row, n) => deleted(row, targets[n]!))
    },
    async doomUncommitted(layouts, signal) {
      await general.run(giveUpParts, layouts, { signal, repeatable: true })
    },
    async noteStrays(partId, strays, signal) {
      await general.run(noteStrays, { partId, strays }, { signal, repeatable: true })
    },
  }
}

/** The answer, or the refusal in its place. */
function deleted({ outcome, versionId, isDeleteMarker }: DeleteRow, { key }: DeleteTarget): DeletedObject | StoreFault {
  return outcome === 'ok' ? { versionId, isDeleteMarker } : deleteRefusal(outcome, key)
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
