import { assert, ChunkError } from '../../base/faults.ts'
import { type DiskPaths, hintsPath, parseSegmentFileName, segmentPath } from '../../chunk-files/paths.ts'
import type { SegmentStart } from './active-segment.ts'
import { applyRecord } from './apply-record.ts'
import type { ChunkIndex } from './chunk-index.ts'
import type { DiskFile, DiskFs } from './disk-fs.ts'
import type { Hints } from './hints.ts'
import { type HintsDeps, readHints, writeHints } from './hints-file.ts'
import { decodeSegmentHeader, RECORD_BYTES_MAX, SEGMENT_HEADER_BYTES, type SegmentHeader, saltState } from './record.ts'
import { BATCH_BYTES_MAX, type LogStart } from './segment-log.ts'
import { type ScanResult, scanSegment } from './segment-scan.ts'
import type { SegmentTable } from './segment-table.ts'

export interface RecoveryDeps extends HintsDeps {
  index: ChunkIndex
  table: SegmentTable
  segmentBytesMax: number
}

const SEGMENT_BYTES_MAX = 0xffff_ffff
/** The last write: all before it was durable when it began, the header when it was the first. */
const DOUBTFUL_BYTES_MAX = Math.max(BATCH_BYTES_MAX, RECORD_BYTES_MAX)

/** Replays the segments in order: closed ones from their hints where those are whole, the last one with all checksums. */
export async function recoverSegments(deps: RecoveryDeps): Promise<LogStart> {
  await deps.directories.sync(deps.paths.segments) // as in recover-files.ts
  const { numbers, headers, lastSegment } = await findSegments(deps)
  const counts = new Map<number, number>()
  for (const header of headers.values()) {
    if (header) counts.set(header.previous.segment, header.previous.bytes)
  }
  let active: SegmentStart | undefined
  for (const number of numbers) {
    const hints = await readHints(deps, number)
    if (hints) replay(deps, hints)
    else if (number === numbers.at(-1)) active = await recoverLast(deps, number, headers.get(number))
    else await recoverClosed(deps, number, { header: headers.get(number), bytesMax: counts.get(number) })
  }
  const last = numbers.at(-1) ?? 0
  return { lastSegment, active, previous: { segment: last, bytes: deps.table.get(last)?.bytes ?? 0 } }
}

/** Removes hints without a segment, and a last segment that a crash left before its first record. */
async function findSegments({ fs, paths, directories, log }: RecoveryDeps) {
  const found = new Set<number>()
  const hinted = new Set<number>()
  for (const name of await fs.readDirectory(paths.segments)) {
    const parsed = parseSegmentFileName(name)
    if (!parsed) log.warn({ name }, 'a file among the segments that is none')
    else if (parsed.kind === 'seg') found.add(parsed.segment)
    else hinted.add(parsed.segment)
  }
  const numbers = [...found].sort((a, b) => a - b)
  const lastSegment = numbers.at(-1) ?? 0
  const headers = new Map<number, SegmentHeader | undefined>()
  for (const number of numbers) headers.set(number, await readHeader(fs, paths, number))
  for (const number of hinted) if (!found.has(number)) await fs.unlink(hintsPath(paths, number))
  if (lastSegment > 0 && !headers.get(lastSegment) && (await isStillborn(fs, segmentPath(paths, lastSegment)))) {
    await fs.unlink(segmentPath(paths, lastSegment))
    await directories.sync(paths.segments)
    numbers.pop()
  }
  return { numbers, headers, lastSegment }
}

async function readHeader(fs: DiskFs, paths: DiskPaths, number: number): Promise<SegmentHeader | undefined> {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  await withFile(fs, segmentPath(paths, number), (file) => file.read(bytes, 0))
  const header = decodeSegmentHeader(bytes)
  if (header === 'newer') {
    // Taken for damage, it would be cut.
    throw new ChunkError(
      'failed',
      `The segment ${segmentPath(paths, number)} was written by a newer version: use that.`,
    )
  }
  return header?.segment === number ? header : undefined
}

/** A segment's header is durable before a record is written behind it. */
async function isStillborn(fs: DiskFs, path: string): Promise<boolean> {
  return (await withFile(fs, path, (file) => file.length())) <= SEGMENT_HEADER_BYTES
}

async function withFile<T>(fs: DiskFs, path: string, work: (file: DiskFile) => Promise<T>): Promise<T> {
  const file = await fs.open(path, 'read')
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

function replay(deps: RecoveryDeps, hints: Hints): void {
  deps.table.add({ number: hints.segment, bytes: hints.segmentBytes, salt: hints.salt })
  for (const record of hints.records) applyRecord(deps, hints.segment, record)
  deps.table.seal(hints.segment)
}

async function recoverClosed(
  deps: RecoveryDeps,
  number: number,
  known: { header: SegmentHeader | undefined; bytesMax: number | undefined },
): Promise<void> {
  const { fs, paths } = deps
  if (!known.header) return keepUnreadable(deps, number)
  const { salt } = known.header
  const scanned = await withFile(fs, segmentPath(paths, number), async (file) =>
    scanSegment(file, {
      saltState: saltState(salt),
      segmentBytes: Math.min(await file.length(), known.bytesMax ?? SEGMENT_BYTES_MAX),
      keepRotten: true,
    }),
  )
  reportDamage(deps, number, scanned)
  await closeSegment(deps, { segment: number, salt, segmentBytes: scanned.endBytes, records: scanned.records })
}

/** Cuts a torn tail, and zeros that no record took; appending goes on behind it unless the segment is damaged or full. */
async function recoverLast(
  deps: RecoveryDeps,
  number: number,
  header: SegmentHeader | undefined,
): Promise<SegmentStart | undefined> {
  if (!header) {
    keepUnreadable(deps, number)
    return undefined
  }
  const { fs, paths, table, log } = deps
  const { salt } = header
  const file = await fs.open(segmentPath(paths, number), 'append-synced')
  try {
    const length = await file.length()
    const segmentBytes = Math.min(length, SEGMENT_BYTES_MAX)
    const scanned = await scanSegment(file, { saltState: saltState(salt), segmentBytes, keepRotten: false })
    const { records, endBytes } = scanned
    reportDamage(deps, number, scanned)
    if (endBytes < length) {
      log.info({ segment: number, bytes: length - endBytes }, 'cut what lies behind the last record of a segment')
      await file.truncate(endBytes)
    }
    await file.dataSync()
    await rewrite(file, { from: Math.max(0, endBytes - DOUBTFUL_BYTES_MAX), to: endBytes })
    if (scanned.damage.length > 0 || endBytes >= deps.segmentBytesMax) {
      await closeSegment(deps, { segment: number, salt, segmentBytes: endBytes, records })
      await file.close()
      return undefined
    }
    table.add({ number, bytes: endBytes, salt })
    for (const record of records) applyRecord(deps, number, record)
    return { number, file, bytes: endBytes, salt, records }
  } catch (error) {
    await file.close().catch(() => {})
    throw error
  }
}

/**
 * What a killed process left in the page cache counts from now on, so it must be durable. If its sync had failed, those
 * pages pass for clean, and no later sync writes them: so they are written anew.
 */
async function rewrite(file: DiskFile, { from, to }: { from: number; to: number }): Promise<void> {
  const bytes = Buffer.allocUnsafe(to - from)
  const count = await file.read(bytes, from)
  assert(count === bytes.length, 'a file is as long as it was a moment ago')
  await file.write(bytes, from)
}

async function closeSegment(deps: RecoveryDeps, hints: Hints): Promise<void> {
  replay(deps, hints)
  await writeHints(deps, hints)
}

/** Without its salt nothing in it can be told from a stranger's bytes. It stays, and so do tombstones that may concern it. */
function keepUnreadable({ table, log }: RecoveryDeps, number: number): void {
  log.error({ segment: number }, 'the header and the hints of a segment are damaged: its chunks are lost to this node')
  table.add({ number, bytes: SEGMENT_HEADER_BYTES, salt: Buffer.alloc(0) })
  table.markShadowed(number)
}

function reportDamage({ log }: RecoveryDeps, segment: number, { damage, rotten }: ScanResult): void {
  for (const range of damage) log.error({ segment, ...range }, 'a damaged place in a segment: its chunks are lost')
  if (rotten > 0) log.error({ segment, rotten }, 'chunks with damaged blocks in a segment')
}
