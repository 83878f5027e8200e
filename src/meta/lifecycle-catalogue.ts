import { assert } from '../base/faults.ts'
import type { LifecycleCatalogue } from '../upkeep/ports/lifecycle.ts'
import type { Database, Reader } from './database.ts'
import { expireObjects, expireUploadsOf, findRuledBucket, lookAtLifecycle } from './queries/lifecycle.ts'
import { listCandidates } from './queries/lifecycle-candidates.ts'

/**
 * `old`: for what may be a little old. What may be due is looked for there, the scan of a pass: it is judged again under
 * locks before it goes. But a delete marker is left alone by what the same pass did: of those, old news are none.
 */
export function lifecycleCatalogue(database: Database, old: Reader): LifecycleCatalogue {
  return {
    async look(signal) {
      const [look] = await database.run(lookAtLifecycle, undefined, { signal, repeatable: true })
      assert(look, 'there is a row without a table')
      return look
    },
    async findRuledBucket(after, signal) {
      const [bucket] = await database.run(findRuledBucket, after, { signal, repeatable: true })
      return bucket
    },
    listCandidates(query, signal) {
      const reader = query.kind === 'marker' ? database : old
      return reader.run(listCandidates[query.kind], query, { signal, repeatable: true })
    },
    async expire(order, signal) {
      const statement = order.kind === 'upload' ? expireUploadsOf : expireObjects
      // What a first try has deleted, a second one does not find: no more goes than should.
      const [expired = 0] = await database.run(statement, order, { signal, repeatable: true })
      return expired
    },
  }
}
