import { DATA_CHUNKS } from '../base/limits.ts'
import type { PartLayout } from '../base/model.ts'
import { type BlockRun, blockStart, blocksOfRange } from '../striping/layout.ts'
import { BlockPieces } from './block-pieces.ts'
import { PartCipher } from './encryption/part-cipher.ts'
import type { ByteRange } from './engine.ts'
import { readWindow } from './fill-window.ts'
import { PartReader, type ReadDeps } from './part-reader.ts'
import { ownMemory } from './read-memory.ts'
import { type ReadWindow, windowBytes } from './read-window.ts'

/**
 * The bytes of a range of a part, in order, each block verified; what is lost, rotten or out of reach is rebuilt from
 * parity. A piece is good until the next one is asked for: its memory is used again. While one is being used, the next
 * one is read. `dataKey`: what the part is encrypted with. Fault: DataUnavailable.
 */
export async function* readPart(
  deps: ReadDeps,
  layout: PartLayout,
  range: ByteRange,
  signal: AbortSignal,
  dataKey?: Buffer,
): AsyncGenerator<Uint8Array> {
  const cipher = dataKey && new PartCipher(dataKey, layout.partId, range.first)
  const kept = deps.chunkCache.get(layout.partId)
  if (kept) return yield* shared(deps, kept.subarray(range.first, range.last + 1), cipher)
  const blocks = blocksOfRange(layout, range.first, range.last)
  using reader = new PartReader(deps, layout, blocks, signal)
  const isWhole = range.first === 0 && range.last === layout.sizeBytes - 1
  if (isWhole && deps.chunkCache.wantsRead(layout, reader.isAtHand)) {
    yield* shared(deps, await readToKeep(reader, blocks, range), cipher)
  } else yield* readOut(reader, blocks, range, cipher)
}

/** What the cache has is everybody's, and stays encrypted: it is decrypted elsewhere. */
function* shared({ readMemory }: ReadDeps, bytes: Buffer, cipher: PartCipher | undefined): Generator<Uint8Array> {
  if (!cipher) return yield bytes
  using memory = readMemory.take(bytes.length)
  memory.bytes.set(bytes)
  yield cipher.applyInPlace(memory.bytes)
}

/** All of a part, for the cache too. */
async function readToKeep(reader: PartReader, blocks: BlockRun, range: ByteRange): Promise<Buffer> {
  const { deps, layout } = reader
  const window = await readWindow(reader, blocks, ownMemory(windowBytes(layout, blocks)))
  const bytes = window.cut(range)
  deps.chunkCache.keepRead(layout.partId, bytes)
  return bytes
}

/** By windows while there is memory for them; where there is none, the next block by pieces. */
async function* readOut(
  reader: PartReader,
  blocks: BlockRun,
  range: ByteRange,
  cipher: PartCipher | undefined,
): AsyncGenerator<Uint8Array> {
  const { deps, layout, signal } = reader
  let next = yield* readWindows(reader, blocks, range, cipher)
  if (next > blocks.last) return
  // Its streams, if it has some, give their blocks in order: whoever reads on behind others needs streams of its own.
  reader[Symbol.dispose]()
  const pieces = new BlockPieces({ deps, layout, range, signal })
  while (next <= blocks.last) {
    for await (const piece of pieces.read(next)) yield cipher ? cipher.applyInPlace(piece) : piece
    const rest = { first: next + 1, last: blocks.last }
    if (rest.first > rest.last) return
    using own = new PartReader(deps, layout, rest, signal)
    next = yield* readWindows(own, rest, range, cipher)
  }
}

/** Answers the block that there is no memory for, or the one behind the last. */
async function* readWindows(
  reader: PartReader,
  blocks: BlockRun,
  range: ByteRange,
  cipher: PartCipher | undefined,
): AsyncGenerator<Uint8Array, number> {
  const { layout } = reader
  const { readMemory } = reader.deps
  const ahead: Promise<ReadWindow>[] = []
  let next = blocks.first
  let sentBytes = Math.max(0, blockStart(layout, blocks.first) - range.first)
  const readOn = () => {
    if (next > blocks.last || ahead.length > 0) return
    const run = nextRun(layout, { first: next, last: blocks.last }, readMemory.share(sentBytes).bytes)
    const memory = readMemory.tryTake(windowBytes(layout, run), sentBytes)
    if (!memory) return
    next = run.last + 1
    const window = readWindow(reader, run, memory)
    window.catch(() => {}) // seen when its turn comes
    ahead.push(window)
  }
  try {
    for (readOn(); ahead.length > 0; readOn()) {
      using window = await ahead.shift()!
      if (readMemory.share(sentBytes).isReadAheadAllowed) readOn()
      const bytes = window.cut(range)
      const { length } = bytes
      yield cipher ? cipher.applyInPlace(bytes) : bytes
      sentBytes += length
    }
    return next
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
