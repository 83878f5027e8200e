/**
 * Everything that the chunk store asks of a file system. One real implementation (real-fs.ts); simulators put their own
 * in its place to drop, tear and reorder what was not synced. Paths are absolute. Errors carry node's `code` (ENOSPC, …).
 */
export interface DiskFs {
  /** `read`: must exist. `create…`: must not exist; read and write. `append…`: must exist; read and write. */
  open(path: string, mode: OpenMode): Promise<DiskFile>
  /** Replaces what `to` names. Durable after syncDirectory of the directory of `to`. */
  rename(from: string, to: string): Promise<void>
  /** Durable after syncDirectory of its directory. */
  unlink(path: string): Promise<void>
  /** A directory that is there already is no error; its parent must be there. */
  makeDirectory(path: string): Promise<void>
  /** Names, in no order. */
  readDirectory(path: string): Promise<string[]>
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>
  space(path: string): Promise<DiskSpace>
  /** Creates the file if need be; undefined: another process, or another opener in this one, holds it. */
  lock(path: string): Promise<AsyncDisposable | undefined>
}

export type OpenMode = 'read' | 'create' | 'create-direct' | 'create-synced' | 'append-synced'

export interface DiskSpace {
  capacityBytes: number
  /** To a process without privileges. */
  availableBytes: number
}

/**
 * An open file; positions in bytes. Opened `create-direct`, it passes the page cache by where the file system can do
 * that: every write then is of a multiple of DIRECT_BYTES at a multiple of DIRECT_BYTES, from memory aligned to it. Opened
 * `…-synced`, each write is durable when it resolves, contents and length, as if `dataSync` came with it: one trip to the
 * threads that do the calls instead of two. It says nothing about what else was written to the file.
 */
export interface DiskFile {
  /** How many bytes were read: fewer than asked for only at the end of the file. */
  read(target: Uint8Array, position: number): Promise<number>
  /** All of `source`, or an error (then any part of it may be there). `source` is not changed before it settles. */
  write(source: Uint8Array, position: number): Promise<void>
  /** As one write of all `sources`, one behind the other. */
  writeAll(sources: readonly Uint8Array[], position: number): Promise<void>
  /** fdatasync: contents, and the length as far as it is needed to read them. */
  dataSync(): Promise<void>
  /** Durable after dataSync. */
  truncate(length: number): Promise<void>
  length(): Promise<number>
  close(): Promise<void>
}

/** What direct writes are aligned to: the largest sector size in use. */
export const DIRECT_BYTES = 4096
