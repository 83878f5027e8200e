import { ChunkError } from '../../base/faults.ts'
import { Turnstile } from '../../base/turnstile.ts'
import { type ChunkKey, keyText, parseKey } from '../../chunk-files/chunk-key.ts'
import { chunkFilePath } from '../../chunk-files/paths.ts'
import { FILE, type Place } from './chunk-index.ts'
import { isMissing, toChunkError } from './disk-error.ts'
import type { DiskParts } from './disk-parts.ts'
import { inFanOut } from './fan-out.ts'

/** More would keep other work waiting for the threads that do the calls. */
const UNLINKS_AT_ONCE = 16

/**
 * Deletes chunks; resolves when that is durable, with how many were there. The small ones share a commit of the segment
 * log; for the large ones each directory is synced once, after the last unlink. If it rejects, some may be deleted; with
 * `writtenBefore` (one of `Moments`) all that may be are, when it rejects because others were written since.
 */
export async function deleteChunks(
  parts: DiskParts,
  chunkIds: readonly Uint8Array[],
  writtenBefore?: Uint8Array,
): Promise<number> {
  const isSpared = writtenBefore ? parts.moments.since(writtenBefore) : () => false
  const keys = new Map<string, ChunkKey>()
  for (const id of chunkIds) {
    const key = parseKey(id)
    keys.set(keyText(key), key)
  }
  const unlinked = new Barrier(keys.size)
  const turnstile = new Turnstile(UNLINKS_AT_ONCE)
  // All gates are asked for in one go: two calls with the same ids then queue in the same order at each of them.
  const deletions = Array.from(keys.values(), (key) =>
    parts.gate.run(key, () => deleteOne(parts, { key, isSpared, unlinked, turnstile })),
  )
  const settled = await Promise.allSettled(deletions)
  const failed = settled.find((s) => s.status === 'rejected')
  if (failed) throw toChunkError(failed.reason, 'a delete')
  return settled.filter((s) => s.status === 'fulfilled' && s.value).length
}

interface Deletion {
  key: ChunkKey
  isSpared(place: Place): boolean
  unlinked: Barrier
  turnstile: Turnstile
}

async function deleteOne(parts: DiskParts, { key, isSpared, unlinked, turnstile }: Deletion): Promise<boolean> {
  using arrival = unlinked.arrival()
  const place = parts.index.get(key)
  if (place && isSpared(place)) throw new ChunkError('failed', 'a chunk was written since it was to be deleted')
  if (place && place.segment !== FILE) {
    arrival.arrive()
    await appendTombstone(parts, key, place.segment)
    return true
  }
  if (!place) {
    arrival.arrive()
    if (parts.segments.isTailInDoubt) throw new ChunkError('failed', 'a failed write may have left this chunk behind')
    await inFanOut(parts, key, (directory) => parts.directories.settle(directory))
    return false
  }
  await turnstile.run(() => unlinkFile(parts, key, place))
  arrival.arrive()
  await unlinked.passed
  await inFanOut(parts, key, (directory) => parts.directories.sync(directory))
  // A put of the same id, deleted before this one was made, may still lie in a segment without a tombstone of its own.
  if (parts.table.hasShadowed) await appendTombstone(parts, key, FILE)
  return true
}

async function appendTombstone(parts: DiskParts, key: ChunkKey, killedSegment: number): Promise<void> {
  await parts.segments.append({ kind: 'tombstone', key, parts: [], killedSegment })
}

async function unlinkFile(parts: DiskParts, key: ChunkKey, place: Place): Promise<void> {
  const path = chunkFilePath(parts.paths, { key, payloadBytes: place.payloadBytes })
  parts.index.delete(key)
  parts.files.drop(keyText(key))
  try {
    await parts.fs.unlink(path)
  } catch (error) {
    if (isMissing(error)) return
    parts.index.set(key, place)
    parts.health.report(error)
    throw error
  }
}

/** Lets all pass when the last one has come, or will not come. */
class Barrier {
  readonly passed: Promise<void>
  #open: () => void = () => {}
  #missing: number

  constructor(count: number) {
    this.#missing = count
    this.passed = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  /** Arrives once: when told, or at the latest when disposed. */
  arrival(): Disposable & { arrive(): void } {
    let hasArrived = false
    const arrive = () => {
      if (hasArrived) return
      hasArrived = true
      this.#missing -= 1
      if (this.#missing === 0) this.#open()
    }
    return { arrive, [Symbol.dispose]: arrive }
  }
}
