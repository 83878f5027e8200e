import type { Meta } from '../../meta/connect.ts'
import { withMeta } from './store-access.ts'

const PAGE_ROWS = 1000
/** Lists are read in pages, and shown up to here. */
const ROWS_MAX = 100_000

type ReadPage<T> = (meta: Meta, page: { after: string; rowsMax: number }, signal: AbortSignal) => Promise<T[]>

/** All rows of a list that is read in pages, each from behind the last key of the one before. */
export function listAll<T>(readPage: ReadPage<T>, keyOf: (row: T) => string): Promise<T[]> {
  return withMeta(async (meta, signal) => {
    const rows: T[] = []
    for (let after = ''; rows.length < ROWS_MAX; after = keyOf(rows.at(-1)!)) {
      const page = await readPage(meta, { after, rowsMax: PAGE_ROWS }, signal)
      rows.push(...page)
      if (page.length < PAGE_ROWS) break
    }
    return rows
  })
}
