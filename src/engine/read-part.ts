import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { type BlockRun, blocksOfRange } from '../striping/layout.ts'
import type { ByteRange } from './engine.ts'
import { readWindow } from './fill-window.ts'
import { PartReader, type ReadDeps } from './part-reader.ts'
import { ownMemory } from './read-memory.ts'
import { type ReadWindow, windowBytes } from './read-window.ts'

/**
 * The bytes of a range of a part, in order, each block verified; what is lost, rotten or out of reach is rebuilt from
 * parity. A piece is good until the next one is asked for: its memory is used again. While one is being used, the next
 * one is read. Fault: DataUnavailable.
 */
export async function* readPart(
  deps: ReadDeps,
  layout: PartLayout,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const kept = deps.chunkCache.get(layout.partId) ?? (await readToKeep(deps, layout, range, signal))
  if (kept) yield kept.subarray(range.first, range.last + 1)
  else yield* readWindows(deps, layout, range, signal)
}

/** All of a part, if that is asked for, and it is one that the cache should have. */
async function readToKeep(
  deps: ReadDeps,
  layout: PartLayout,
  range: ByteRange,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const { sizeBytes, partId } = layout
  const isWhole = range.first === 0 && range.last === sizeBytes - 1
  if (!isWhole || !deps.chunkCache.wantsRead(layout)) return undefined
  const blocks = blocksOfRange(layout, 0, range.last)
  using reader = new PartReader(deps, layout, blocks, signal)
  const window = await readWindow(reader, blocks, () => ownMemory(windowBytes(layout, blocks)))
  const bytes = window.cut(range)
  deps.chunkCache.keepRead(partId, bytes)
  return bytes
}

async function* readWindows(
  deps: ReadDeps,
  layout: PartLayout,
  range: ByteRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { readMemory } = deps
  const blocks = blocksOfRange(layout, range.first, range.last)
  using reader = new PartReader(deps, layout, blocks, signal)
  const ahead: Promise<ReadWindow>[] = []
  let next = blocks.first
  const readOn = () => {
    if (next > blocks.last || ahead.length > 0) return
    const run = nextRun(layout, { first: next, last: blocks.last }, readMemory.share.bytes)
    next = run.last + 1
    const window = readWindow(reader, run, () => readMemory.take(windowBytes(layout, run)))
    window.catch(() => {}) // seen when its turn comes
    ahead.push(window)
  }
  try {
    for (readOn(); ahead.length > 0; readOn()) {
      using window = await ahead.shift()!
      if (readMemory.share.isReadAheadAllowed) readOn()
      yield window.cut(range)
    }
  } finally {
    for (const window of ahead) void window.then(disposed, () => {})
  }
}

function disposed(window: ReadWindow): void {
  window[Symbol.dispose]()
}

/** What to read next of these blocks: whole stripes, if there is memory for them, so that all chunks are read at once. */
function nextRun(layout: PartLayout, { first, last }: BlockRun, bytes: number): BlockRun {
  const fits = (end: number) => windowBytes(layout, { first, last: end }) <= bytes
  if (fits(last)) return { first, last }
  // The last stripe's blocks are no larger than the others.
  const count = Math.max(1, Math.floor(bytes / windowBytes(layout, { first, last: first })))
  const end = Math.min(last, first + count - 1)
  const wholeStripes = Math.floor((end + 1) / DATA_CHUNKS) * DATA_CHUNKS - 1
  return { first, last: wholeStripes >= first ? wholeStripes : end }
}
