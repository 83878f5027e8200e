import type { Clock, Random } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { DirectoryDisk, type OpenChunkDisk } from './chunk-disk.ts'
import type { DiskFs } from './disk-fs.ts'
import { openParts } from './open-parts.ts'
import { realFs } from './real-fs.ts'
import { type ChunkDiskOptions, resolveSettings } from './settings.ts'

export interface ChunkDiskDeps {
  /** The machine's own file systems, unless a simulator takes their place. */
  fs?: DiskFs
  clock: Clock
  random: Random
  log: Log
}

/**
 * Opens the chunk store of a directory, making it at the first start: takes its lock, cuts what a crash has torn, and
 * builds the index. Throws a ChunkError of one sentence when the directory is in use, has lost or damaged its node.json,
 * or is of a newer format; the file system's own error when it cannot be read or written.
 */
export async function openChunkDisk(options: ChunkDiskOptions, deps: ChunkDiskDeps): Promise<OpenChunkDisk> {
  const disk = new DirectoryDisk(await openParts(resolveSettings(options), { ...deps, fs: deps.fs ?? realFs }))
  disk.startBehind()
  return disk
}
