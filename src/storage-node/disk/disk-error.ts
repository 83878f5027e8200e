import { ChunkError } from '../../base/faults.ts'

/** The file system's error as the ChunkError that the callers of ChunkDisk know. `doing` ends the sentence «the disk refused …». */
export function toChunkError(error: unknown, doing: string): ChunkError {
  if (error instanceof ChunkError) return error
  const code = errorCode(error)
  if (isOutOfSpace(error)) return new ChunkError('no-space', `no space left on the disk for ${doing}`, { cause: error })
  return new ChunkError('failed', `the disk refused ${doing}${code ? ` (${code})` : ''}`, { cause: error })
}

export function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** The disk is full, or the owner's quota is used up. */
export function isOutOfSpace(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT'
}

export function isMissing(error: unknown): boolean {
  return errorCode(error) === 'ENOENT'
}

/** The disk itself is at fault, not this one call. */
export function isDiskBroken(error: unknown): boolean {
  const code = errorCode(error)
  return code === 'EIO' || code === 'EROFS'
}
