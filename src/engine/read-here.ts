import type { Clock } from '../base/clock.ts'
import { DATA_CHUNKS } from '../base/limits.ts'
import { blockChecksum, CHECKSUM_BYTES, verifyBlock } from '../striping/checksum.ts'
import { blockBytesOf, payloadOffset } from '../striping/layout.ts'
import type { PartReader } from './part-reader.ts'
import type { ReadWindow } from './read-window.ts'

/** A disk that takes longer hangs, or is of no help: the node is asked instead, and others if it does not answer either. */
const LATE_MS = 5_000

/**
 * Reads what of a window lies on this host straight into it, and verifies it there. A chunk that cannot be read is left to
 * its node from then on. False: a disk is late and may write into the window at any time; it has to be thrown away, which
 * this has seen to.
 */
export async function readHere(reader: PartReader, window: ReadWindow): Promise<boolean> {
  const reads: Promise<unknown>[] = []
  const under = new Set<number>()
  for (let index = 0; index < DATA_CHUNKS; index++) {
    if (!reader.isHere(index)) continue
    under.add(index)
    reads.push(readChunk(reader, window, index).finally(() => under.delete(index)))
  }
  if (reads.length === 0) return true
  const all = Promise.all(reads)
  if (await settles(all, reader.deps.clock)) return true
  for (const index of under) leave(reader, index, `no answer within ${LATE_MS} ms`)
  void all.finally(() => window[Symbol.dispose]())
  return false
}

/** One block by itself, as a rebuild needs it; 'elsewhere': not to be had here, its node is to be asked. Never rejects. */
export async function oneBlockHere(
  reader: PartReader,
  index: number,
  stripe: number,
): Promise<Uint8Array | undefined | 'elsewhere'> {
  const { layout, deps } = reader
  const blockBytes = blockBytesOf(layout, stripe)
  const stored = Buffer.allocUnsafe(blockBytes + CHECKSUM_BYTES)
  const piece = { offset: payloadOffset(layout, stripe), targets: [stored] }
  const read = deps.localChunks.read(reader.server(index), reader.chunk(index), piece)
  try {
    if (!(await settles(read, deps.clock))) throw new Error(`no answer within ${LATE_MS} ms`)
    await read
  } catch (error) {
    leave(reader, index, String(error))
    return 'elsewhere'
  }
  if (verifyBlock(reader.seed(index), stripe, stored)) return stored.subarray(0, blockBytes)
  if (mayBeElsewhere(reader, index)) {
    leave(reader, index, 'it may lie elsewhere by now')
    return 'elsewhere'
  }
  noteRotten(reader, index, stripe)
  return undefined
}

/** The blocks of one chunk, with one read. Never rejects. */
async function readChunk(reader: PartReader, window: ReadWindow, index: number): Promise<void> {
  const firstStripe = window.firstStripe + (window.includes(window.firstStripe, index) ? 0 : 1)
  const targets: Buffer[] = []
  for (let stripe = firstStripe; window.includes(stripe, index); stripe++) {
    targets.push(window.block(stripe, index), window.checksum(stripe, index))
  }
  if (targets.length === 0) return
  const piece = { offset: payloadOffset(reader.layout, firstStripe), targets }
  try {
    await reader.deps.localChunks.read(reader.server(index), reader.chunk(index), piece)
  } catch (error) {
    return leave(reader, index, String(error))
  }
  for (let i = 0; i < targets.length; i += 2) {
    const stripe = firstStripe + i / 2
    const isGood = blockChecksum(reader.seed(index), stripe, targets[i]!) === targets[i + 1]!.readUInt32LE()
    if (!isGood && mayBeElsewhere(reader, index)) return leave(reader, index, 'it may lie elsewhere by now')
    window.setState(stripe, index, isGood ? 'good' : 'bad')
    if (!isGood) noteRotten(reader, index, stripe)
  }
}

/** Whether it settles in time. Timed in two halves: a process that stood still itself sees what is done before the second. */
async function settles(work: Promise<unknown>, clock: Clock): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  let timer = clock.after(LATE_MS / 2, () => {
    timer = clock.after(LATE_MS / 2, () => resolve('late'))
  })
  try {
    return (await Promise.race([work.catch(() => {}), late])) !== 'late'
  } finally {
    timer[Symbol.dispose]()
  }
}

function mayBeElsewhere(reader: PartReader, index: number): boolean {
  return reader.deps.localChunks.distrust(reader.server(index), reader.chunk(index))
}

function leave(reader: PartReader, index: number, reason: string): void {
  reader.leaveToNode(index)
  const where = { partId: reader.layout.partId, index, server: reader.server(index) }
  reader.deps.log.debug({ ...where, reason }, 'a chunk cannot be read on this host')
}

function noteRotten(reader: PartReader, index: number, stripe: number): void {
  const where = { partId: reader.layout.partId, index, stripe, server: reader.server(index) }
  reader.deps.log.error(where, 'a block is rotten')
  reader.deps.damage.reportDamage({ ...where, why: 'rotten' })
}
