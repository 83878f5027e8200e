import type { FileCache } from '../../chunk-files/file-cache.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { OpenFile } from './chunk-reader.ts'
import type { DiskHealth } from './disk-health.ts'
import type { KeyGate } from './key-gate.ts'
import type { Moments } from './moments.ts'
import type { RecoveryDeps } from './recover-segments.ts'
import type { SegmentLog } from './segment-log.ts'
import type { ChunkDiskSettings } from './settings.ts'

/** What an open chunk store consists of. */
export interface DiskParts extends RecoveryDeps {
  settings: ChunkDiskSettings
  gate: KeyGate
  files: FileCache<OpenFile>
  pool: BufferPool
  health: DiskHealth
  segments: SegmentLog
  moments: Moments
}
