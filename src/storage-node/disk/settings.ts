import { assert } from '../../base/faults.ts'
import { SMALL_CHUNK_BYTES_MAX } from '../../chunk-files/paths.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** How one node keeps its chunks. Sizes in bytes, times in ms. */
export interface ChunkDiskSettings {
  /** Absolute. Made if it is not there; its parent must be. */
  directory: string
  /** A segment is closed once it is this long; at most 1 GiB, so that offsets fit 32 bits. */
  segmentBytesMax: number
  /** Payloads up to this go to segments, larger ones to files of their own; at most 1 MiB. */
  smallChunkBytesMax: number
  /**
   * Free space that puts leave: deletes and compaction, which set space free, need some first. Default: the smaller of
   * 256 MiB (two whole segments) and 1 % of the disk (so that a small disk is of use).
   */
  reserveBytes: number | undefined
  /** Rows in one batch of `list`. */
  listBatchRows: number
  /** Write buffers for large chunks, 1 MiB each, shared by all that are being written. */
  writeBuffersMax: number
  /** Open files kept for reading. */
  openFilesMax: number
  /** After the disk refused a write: how often to try whether it takes one again. */
  probeIntervalMs: number
  compaction: CompactionSettings
}

export interface CompactionSettings {
  /** A closed segment is rewritten once less than this share of it is needed; 0 to below 1. */
  liveFractionMin: number
  /** Bytes that are rewritten in a second, at most. */
  bytesPerSecond: number
  /** After a failure: how long until the next try. */
  retryMs: number
}

export const CHUNK_DISK_DEFAULTS = {
  segmentBytesMax: 128 * MIB,
  smallChunkBytesMax: SMALL_CHUNK_BYTES_MAX,
  reserveBytes: undefined,
  listBatchRows: 1000,
  writeBuffersMax: 24,
  openFilesMax: 256,
  probeIntervalMs: 5_000,
  compaction: { liveFractionMin: 0.5, bytesPerSecond: 64 * MIB, retryMs: 30_000 },
} as const satisfies Omit<ChunkDiskSettings, 'directory'>

/** What a caller may leave out. */
export type ChunkDiskOptions = Pick<ChunkDiskSettings, 'directory'> &
  Partial<Omit<ChunkDiskSettings, 'compaction'>> & { compaction?: Partial<CompactionSettings> }

export function resolveSettings(options: ChunkDiskOptions): ChunkDiskSettings {
  const settings = {
    ...CHUNK_DISK_DEFAULTS,
    ...options,
    compaction: { ...CHUNK_DISK_DEFAULTS.compaction, ...options.compaction },
  }
  assert(settings.directory.startsWith('/'), 'directory is absolute')
  assertWithin('segmentBytesMax', settings.segmentBytesMax, { min: KIB, max: 1024 * MIB })
  assertWithin('smallChunkBytesMax', settings.smallChunkBytesMax, { min: 0, max: MIB })
  assertWithin('reserveBytes', settings.reserveBytes ?? 0, { min: 0, max: Number.MAX_SAFE_INTEGER })
  assertWithin('listBatchRows', settings.listBatchRows, { min: 1, max: 10_000 })
  assertWithin('writeBuffersMax', settings.writeBuffersMax, { min: 2, max: 1024 })
  assertWithin('openFilesMax', settings.openFilesMax, { min: 1, max: 100_000 })
  assertWithin('probeIntervalMs', settings.probeIntervalMs, { min: 1, max: 3_600_000 })
  const { liveFractionMin, bytesPerSecond, retryMs } = settings.compaction
  assert(liveFractionMin >= 0 && liveFractionMin < 1, 'compaction.liveFractionMin is from 0 to below 1')
  assertWithin('compaction.bytesPerSecond', bytesPerSecond, { min: 1, max: Number.MAX_SAFE_INTEGER })
  assertWithin('compaction.retryMs', retryMs, { min: 1, max: 86_400_000 })
  return settings
}

function assertWithin(name: string, value: number, { min, max }: { min: number; max: number }): void {
  assert(Number.isSafeInteger(value) && value >= min && value <= max, `${name} is from ${min} to ${max}`)
}
