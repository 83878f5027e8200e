import type { Kind } from './config-kinds.ts'

/** Which processes read a setting. */
export type Reader = 'up' | 'gateway' | 'storage-node' | 'migrate' | 'command'

export interface Setting<T> {
  readonly name: string
  readonly group: string
  readonly kind: Kind<T>
  /** As it would be written in the environment; undefined: not set, or made at the first start. */
  readonly default: string | undefined
  readonly readBy: readonly Reader[]
  /** Never shown, never logged; `<name>_FILE` names a file that holds it instead. */
  readonly secret: boolean
  readonly about: string
}

/** The value's type depends on whether there is a default. */
export type ValueOf<S> = S extends { kind: Kind<infer T>; default: infer D }
  ? D extends string
    ? T
    : T | undefined
  : never

interface Row<T, D extends string | undefined> {
  name: string
  kind: Kind<T>
  default: D
  readBy: readonly Reader[]
  secret?: true
  about: string
}

/** Rows of one heading in lists and docs. */
export function inGroup(group: string) {
  return <T, D extends string | undefined>(row: Row<T, D>): Setting<T> & { readonly default: D } => ({
    ...row,
    group,
    secret: row.secret ?? false,
  })
}

/** The processes that know the whole store, and those that serve S3. */
export const everyone = ['up', 'gateway', 'storage-node', 'migrate', 'command'] as const
export const s3Side = ['up', 'gateway'] as const

export const KIB = 1024
export const MIB = 1024 * KIB
export const GIB = 1024 * MIB
export const TIB = 1024 * GIB
