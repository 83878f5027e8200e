import type { Clock } from '../../base/clock.ts'
import { keyName } from '../../chunk-files/chunk-key.ts'
import { placeOf } from './apply-record.ts'
import { FILE } from './chunk-index.ts'
import { openSegment } from './chunk-reader.ts'
import type { DiskFile } from './disk-fs.ts'
import type { DiskParts } from './disk-parts.ts'
import type { RecordList } from './hints.ts'
import { readHints } from './hints-file.ts'
import { type FoundRecord, RECORD_BYTES_MAX, RECORD_HEADER_BYTES, saltState } from './record.ts'
import { checkRecord, scanSegment } from './segment-scan.ts'
import type { Segment } from './segment-table.ts'

/** Dead bytes that are read along rather than read around. */
const GAP_BYTES_MAX = 64 * 1024
const TOMBSTONES_AT_ONCE = 4096

export interface Move {
  parts: DiskParts & { clock: Clock }
  segment: Segment
  signal: AbortSignal
}

/** Appends everything of a segment that is still needed to the active one, at a bounded rate; resolves when it is durable. */
export async function moveOut(move: Move): Promise<void> {
  const { parts, segment, signal } = move
  await parts.segments.settled() // its hints may just be being written
  const { file, close } = await openSegment(parts, segment.number)
  try {
    const records = await recordsOf(move, file)
    const buffer = Buffer.allocUnsafeSlow(RECORD_BYTES_MAX)
    for (const run of liveRuns(move, records)) {
      const bytes = buffer.subarray(0, endOf(run.at(-1)!) - run[0]!.offset)
      await copyRun(move, { file, bytes, run })
      await parts.clock.sleep((bytes.length / parts.settings.compaction.bytesPerSecond) * 1000, signal)
    }
    await copyTombstones(move, records)
  } finally {
    await close()
  }
}

async function recordsOf({ parts, segment }: Move, file: DiskFile): Promise<RecordList> {
  const hints = await readHints(parts, segment.number)
  if (hints) return hints.records
  const scanned = await scanSegment(file, {
    saltState: saltState(segment.salt),
    segmentBytes: segment.bytes,
    keepRotten: true,
  })
  return scanned.records
}

/** Live puts, in runs that are read at once. */
function* liveRuns(move: Move, records: RecordList): Generator<FoundRecord[]> {
  let run: FoundRecord[] = []
  for (const record of records) {
    if (record.kind !== 'put' || !isLive(move, record)) continue
    const first = run[0]
    const last = run.at(-1)
    const isFar = last && record.offset - endOf(last) > GAP_BYTES_MAX
    if (first && (isFar || endOf(record) - first.offset > RECORD_BYTES_MAX)) {
      yield run
      run = []
    }
    run.push(record)
  }
  if (run.length > 0) yield run
}

function endOf(record: FoundRecord): number {
  return record.offset + record.recordBytes
}

function isLive({ parts, segment }: Move, record: FoundRecord): boolean {
  const place = parts.index.get(record.key)
  return place?.segment === segment.number && place.offset === placeOf(segment.number, record).offset
}

async function copyRun(move: Move, source: { file: DiskFile; bytes: Buffer; run: FoundRecord[] }): Promise<void> {
  const { file, bytes, run } = source
  const start = run[0]!.offset
  const count = await file.read(bytes, start)
  await allSettled(
    run.map((record) => {
      const at = record.offset - start
      if (at + record.recordBytes > count) throw new Error(`segment ${move.segment.number} is cut short`)
      return copyPut(move, record, bytes.subarray(at, at + record.recordBytes))
    }),
  )
}

async function copyPut(move: Move, record: FoundRecord, bytes: Buffer): Promise<void> {
  const { gate, segments, log } = move.parts
  if (checkRecord(record, bytes) !== 'whole') {
    // Its other blocks are still of use; a scrub, or the next reader, finds the bad one.
    log.error({ chunk: keyName(record.key) }, 'a damaged chunk is moved as it is')
  }
  const payloadAt = RECORD_HEADER_BYTES + record.headerBytes
  const trailerAt = payloadAt + record.payloadBytes
  await gate.run(record.key, async () => {
    if (!isLive(move, record)) return
    await segments.append({
      kind: 'put',
      key: record.key,
      parts: [
        bytes.subarray(RECORD_HEADER_BYTES, payloadAt),
        bytes.subarray(payloadAt, trailerAt),
        bytes.subarray(trailerAt),
      ],
      killedSegment: 0,
    })
  })
}

/** After the puts: a tombstone may be needed, or not, because of one of them. */
async function copyTombstones(move: Move, records: RecordList): Promise<void> {
  let copies: Promise<void>[] = []
  for (const record of records) {
    if (record.kind !== 'tombstone') continue
    copies.push(copyTombstone(move, record))
    if (copies.length < TOMBSTONES_AT_ONCE) continue
    await allSettled(copies)
    copies = []
  }
  await allSettled(copies)
}

async function copyTombstone({ parts, segment }: Move, { key, killedSegment }: FoundRecord): Promise<void> {
  const { gate, segments, table, index } = parts
  await gate.run(key, async () => {
    if (!table.isNeeded(segment.number, killedSegment)) return
    const place = index.get(key)
    if (place && place.segment !== FILE) {
      // Put again since: moved behind that put, the tombstone would undo it. Replay passes over the dead one anyway.
      if (table.get(killedSegment)) table.markShadowed(killedSegment)
      return
    }
    await segments.append({ kind: 'tombstone', key, parts: [], killedSegment })
  })
}

/** As Promise.all, but nothing is under way any more when it rejects: the buffer may be reused. */
async function allSettled(work: readonly Promise<void>[]): Promise<void> {
  for (const settled of await Promise.allSettled(work)) if (settled.status === 'rejected') throw settled.reason
}
