import type { Clock, Random } from '../../base/clock.ts'
import type { ServerId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import { FileCache } from '../../chunk-files/file-cache.ts'
import { diskPaths } from '../../chunk-files/paths.ts'
import { BeatsFile } from './beats.ts'
import { BufferPool } from './buffer-pool.ts'
import { ChunkIndex } from './chunk-index.ts'
import type { OpenFile } from './chunk-reader.ts'
import { Compactor } from './compaction.ts'
import { DirectorySync } from './directory-sync.ts'
import type { DiskFs } from './disk-fs.ts'
import { DiskHealth } from './disk-health.ts'
import type { DiskParts } from './disk-parts.ts'
import { TemporaryNames } from './durable-file.ts'
import { lockDirectory, readOrMakeIdentity } from './identity.ts'
import { KeyGate } from './key-gate.ts'
import { Moments } from './moments.ts'
import { prepareDirectories, recoverFiles } from './recover-files.ts'
import { recoverSegments } from './recover-segments.ts'
import { SegmentLog } from './segment-log.ts'
import { SegmentTable } from './segment-table.ts'
import type { ChunkDiskSettings } from './settings.ts'

export interface OpenDeps {
  fs: DiskFs
  clock: Clock
  random: Random
  log: Log
}

export interface OpenParts extends DiskParts, AsyncDisposable {
  serverId: ServerId
  compactor: Compactor
  beats: BeatsFile
}

/** Locks, recovers and wires everything; disposed in the opposite order, the lock last. */
export async function openParts(settings: ChunkDiskSettings, deps: OpenDeps): Promise<OpenParts> {
  const { fs, clock, random, log } = deps
  const paths = diskPaths(settings.directory)
  const directories = new DirectorySync(fs)
  await using undo = new AsyncDisposableStack()

  undo.use(await lockDirectory({ fs, directories, random, paths }))
  const serverId = await readOrMakeIdentity({ fs, directories, random, paths })

  const names = new TemporaryNames(paths)
  const index = new ChunkIndex()
  const table = new SegmentTable(settings.compaction.liveFractionMin)
  const base = { fs, paths, directories, names, index, table, log, segmentBytesMax: settings.segmentBytesMax }
  await prepareDirectories(base)
  const health = undo.use(await DiskHealth.start({ fs, clock, log, names, settings }))
  const start = await recoverSegments(base)
  const segments = undo.use(new SegmentLog({ ...base, health, random, settings }, start))
  await recoverFiles(base)
  const beats = await BeatsFile.open(base)

  const files = undo.use(new FileCache<OpenFile>(settings.openFilesMax))
  const pool = new BufferPool(settings.writeBuffersMax)
  const moments = new Moments(segments, random)
  const parts = { ...base, settings, gate: new KeyGate(), files, pool, health, segments, moments }
  const compactor = undo.use(new Compactor({ ...parts, clock }))
  const opened = undo.move()
  return { ...parts, serverId, compactor, beats, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
