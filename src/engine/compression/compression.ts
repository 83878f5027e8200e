import { ByteBudget } from '../../base/byte-budget.ts'
import type { Bucket, CompressionKind } from '../../base/model.ts'
import { createZstd, type Zstd } from './zstd.ts'

/** What compresses and decompresses, and how much of it may be under way. */
export interface Compression {
  /** For buckets that were not told. */
  byDefault: CompressionKind
  zstd: Zstd
  /** Of parts that are being compressed: one that finds nothing left is stored as it comes. */
  writing: ByteBudget
  /** Of frames that were decompressed, until clients have taken them: what finds nothing left is made in pieces. */
  reading: ByteBudget
}

/** So many frames of memory each takes: one as it was, one as it is stored, and what zlib's output is cut from. */
export const FRAMES_HELD = 3

export interface CompressionSettings {
  byDefault: CompressionKind
  /** Of all that is compressed and decompressed at once; half of it for each. */
  bytesMax: number
}

export function createCompression({ byDefault, bytesMax }: CompressionSettings): Compression {
  return {
    byDefault,
    zstd: createZstd(),
    writing: new ByteBudget(bytesMax / 2, 'Too much is compressed at once.'),
    reading: new ByteBudget(bytesMax / 2, 'Too much is decompressed at once.'),
  }
}

/** undefined: new parts of this bucket are stored as they come. */
export function compressionOf(
  { compression }: { compression: Compression },
  { settings }: Bucket,
): Compression | undefined {
  return (settings.compression ?? compression.byDefault) === 'zstd' ? compression : undefined
}
