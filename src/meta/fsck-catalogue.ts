import type pg from 'pg'
import type { FsckCatalogue, TableAudit, TableFault } from '../upkeep/ports/fsck.ts'
import type { Database } from './database.ts'
import { misplacedCatalogue } from './misplaced.ts'
import { auditFaults, countParts, judgeChunks } from './queries/fsck.ts'
import { scrubCatalogue } from './scrub-catalogue.ts'

/** Examples of one kind of fault. */
const EXAMPLES_MAX = 10

export function fsckCatalogue(database: Database): FsckCatalogue {
  return {
    ...scrubCatalogue(database),
    ...misplacedCatalogue(database),
    judgeChunks: (query, signal) => database.run(judgeChunks, query, { signal, repeatable: true }),
    async auditTables(signal) {
      signal.throwIfAborted()
      const client = await database.dedicated()
      const giveUp = () => void client.end().catch(() => {})
      signal.addEventListener('abort', giveUp, { once: true })
      try {
        return await audit(client)
      } finally {
        signal.removeEventListener('abort', giveUp)
        await client.end().catch(() => {}) // ended already by an abort
      }
    },
  }
}

/**
 * All questions are answered as of one moment. They go through whole tables, for as long as it takes: what is set for
 * requests (row by row through indexes, ten seconds) does not hold here.
 */
async function audit(client: pg.Client): Promise<TableAudit> {
  await client.query(`
    begin isolation level repeatable read read only;
    set local statement_timeout = 0; set local enable_seqscan = on; set local enable_bitmapscan = on;
    set local enable_hashjoin = on; set local enable_mergejoin = on; set local plan_cache_mode = auto`)
  const faults: TableFault[] = []
  for (const { what, text } of auditFaults) {
    const { rows } = await client.query<{ example: string; rows: string }>(`${text} limit ${EXAMPLES_MAX}`)
    if (rows.length > 0)
      faults.push({ what, rows: Number(rows[0]!.rows), examples: rows.map(({ example }) => example) })
  }
  const { rows } = await client.query<{ parts: string }>(countParts)
  await client.query('commit')
  return { parts: Number(rows[0]!.parts), faults }
}
