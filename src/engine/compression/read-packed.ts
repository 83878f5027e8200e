import { StoreFault } from '../../base/faults.ts'
import type { PartLayout } from '../../base/model.ts'
import type { ByteRange } from '../engine.ts'
import type { ReadDeps } from '../part-reader.ts'
import { readPart } from '../read-part.ts'
import { type Compression, FRAMES_HELD } from './compression.ts'
import {
  decodeEntry,
  decodeHead,
  ENTRY_BYTES,
  FRAME_BYTES,
  frameCount,
  HEAD_BYTES,
  plainFrameBytes,
  tableBytes,
} from './frame-format.ts'
import { StoredBytes } from './stored-bytes.ts'

/** What is made of a frame at once where memory is short. */
const PIECE_BYTES = FRAME_BYTES / 8

export type PackedLayout = PartLayout & { plainBytes: number }

export function isPacked(layout: PartLayout): layout is PackedLayout {
  return layout.plainBytes !== undefined
}

/**
 * The bytes of a range of a part that was compressed, in order: the frames that it touches are read, and where those lie
 * is asked of the table, unless it is all of them. A piece is good until the next one is asked for. `range`: of the plain
 * bytes. Fault: DataUnavailable, also for a frame that is not as it was made.
 */
export async function* readPacked(
  deps: ReadDeps & { compression: Compression },
  layout: PackedLayout,
  range: ByteRange,
  signal: AbortSignal,
  dataKey?: Buffer,
): AsyncGenerator<Uint8Array> {
  const { reading, zstd } = deps.compression
  const readStored = (stored: ByteRange) => readPart(deps, layout, stored, signal, dataKey)
  const { partId, plainBytes } = layout
  const first = Math.floor(range.first / FRAME_BYTES)
  const last = Math.floor(range.last / FRAME_BYTES)
  const lie = await findFrames(readStored, layout, { first, last })
  await using stored = new StoredBytes(readStored(lie))
  for (let n = first; n <= last; n++) {
    const frameBytes = plainFrameBytes(plainBytes, n)
    const head = decodeHead(await stored.take(HEAD_BYTES), frameBytes)
    if (!head) throw new StoreFault('DataUnavailable', { partId, reason: `Frame ${n} has no head.` })
    const bytes = await stored.take(head.lengthBytes)
    const start = n * FRAME_BYTES
    const wanted = { first: Math.max(0, range.first - start), last: Math.min(frameBytes - 1, range.last - start) }
    if (head.isCompressed) yield* unpacked(() => unpack(bytes, frameBytes), frameBytes, wanted)
    else yield* cut([bytes], wanted)
  }

  /** Where there is no memory for it as a whole, it is made anew for each piece: a slow client holds but that. */
  async function* unpacked(make: () => Promise<readonly Buffer[]>, frameBytes: number, wanted: ByteRange) {
    const heldBytes = FRAMES_HELD * frameBytes
    if (reading.tryTake(heldBytes)) {
      try {
        yield* cut(await make(), wanted)
      } finally {
        reading.give(heldBytes)
      }
      return
    }
    for (let from = wanted.first; from <= wanted.last; from += PIECE_BYTES) {
      const piece = { first: from, last: Math.min(wanted.last, from + PIECE_BYTES - 1) }
      yield Buffer.concat([...cut(await make(), piece)])
    }
  }

  async function unpack(bytes: Buffer, frameBytes: number): Promise<readonly Buffer[]> {
    try {
      return await zstd.decompress(bytes, frameBytes, signal)
    } catch (cause) {
      signal.throwIfAborted()
      deps.log.error({ partId, reason: String(cause) }, 'a frame cannot be decompressed')
      throw new StoreFault('DataUnavailable', { partId, reason: 'A frame is not as it was made.' }, { cause })
    }
  }
}

/** Where frames `first` to `last` lie among what is stored. */
async function findFrames(
  readStored: (range: ByteRange) => AsyncGenerator<Uint8Array>,
  { sizeBytes, plainBytes, partId }: PackedLayout,
  { first, last }: ByteRange,
): Promise<ByteRange> {
  const count = frameCount(plainBytes)
  // With the table, so that it is the whole part, which the cache may keep.
  if (first === 0 && last === count - 1) return { first: 0, last: sizeBytes - 1 }
  const table = sizeBytes - tableBytes(plainBytes)
  const entry = (frame: number) => table + (frame - 1) * ENTRY_BYTES
  const starts = new Map([
    [0, 0],
    [count, table],
  ])
  const asked = [first, last + 1].filter((frame) => !starts.has(frame))
  await using entries = new StoredBytes(readStored({ first: entry(asked[0]!), last: entry(asked.at(-1)! + 1) - 1 }))
  let next = asked[0]!
  for (const frame of asked) {
    await entries.skip((frame - next) * ENTRY_BYTES)
    starts.set(frame, decodeEntry(await entries.take(ENTRY_BYTES)))
    next = frame + 1
  }
  const start = starts.get(first)!
  const end = starts.get(last + 1)!
  if (start < end && end <= table) return { first: start, last: end - 1 }
  throw new StoreFault('DataUnavailable', { partId, reason: 'Its table of frames makes no sense.' })
}

function* cut(pieces: readonly Buffer[], { first, last }: ByteRange): Generator<Uint8Array> {
  let start = 0
  for (const piece of pieces) {
    const wanted = piece.subarray(Math.max(0, first - start), Math.max(0, last + 1 - start))
    if (wanted.length > 0) yield wanted
    start += piece.length
  }
}
