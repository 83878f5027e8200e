import { compareBytes } from './compare-bytes.ts'

export interface Roll {
  prefix: string
  delimiter: string
  after: string
  rowsMax: number
}

interface Page<T> {
  rows: T[]
  prefixes: string[]
  isTruncated: boolean
  next: string | undefined
}

/** A page of rows and common prefixes, together in order of key and together counted. */
export function rollUp<T extends { key: string }>(rows: readonly T[], roll: Roll): Page<T> {
  const wanted = rows.filter(({ key }) => key.startsWith(roll.prefix) && compareBytes(key, roll.after) > 0)
  return rollUpSorted(
    wanted.sort((a, b) => compareBytes(a.key, b.key)),
    roll,
  )
}

/** The same of rows that were chosen, and put in order, already. */
export function rollUpSorted<T extends { key: string }>(
  wanted: readonly T[],
  { prefix, delimiter, after, rowsMax }: Roll,
): Page<T> {
  const page: Page<T> = { rows: [], prefixes: [], isTruncated: false, next: undefined }
  if (rowsMax === 0) return page
  for (const row of wanted) {
    const common = commonPrefixOf(row.key, prefix, delimiter)
    if (common !== undefined && (common === after || common === page.prefixes.at(-1))) continue
    if (page.rows.length + page.prefixes.length === rowsMax) return { ...page, isTruncated: true }
    if (common === undefined) page.rows.push(row)
    else page.prefixes.push(common)
    page.next = common ?? row.key
  }
  return { ...page, next: undefined }
}

export function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length)
  return cut < 0 ? undefined : key.slice(0, cut + delimiter.length)
}
