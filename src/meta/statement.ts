/** A row as pg gives it: bigint as text, timestamptz as Date, json parsed. */
export type Row = Readonly<Record<string, unknown>>

/** One SQL statement, with how its parameters are bound and its rows read. */
export interface Statement<P, R> {
  /** Prepared under this name, once a connection; ends in `_vN`, raised with every change of `text`. */
  name: string
  text: string
  bind: (params: P) => unknown[]
  row: (row: Row) => R
}

export function statement<P, R>(definition: Statement<P, R>): Statement<P, R> {
  return definition
}
