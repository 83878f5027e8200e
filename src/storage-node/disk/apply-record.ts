import { type ChunkIndex, FILE, type Place } from './chunk-index.ts'
import { type FoundRecord, RECORD_HEADER_BYTES } from './record.ts'
import type { SegmentTable } from './segment-table.ts'

/**
 * What a record of a segment means to the index. The same for a record that has just become durable and for one that is
 * replayed at start-up, so that a restart finds what was there before.
 */
export function applyRecord(
  { index, table }: { index: ChunkIndex; table: SegmentTable },
  segment: number,
  record: FoundRecord,
): void {
  if (record.kind === 'put') {
    const previous = index.set(record.key, placeOf(segment, record))
    table.addLive(segment, record.recordBytes)
    if (previous) leaveBehind(table, previous)
    return
  }
  table.addTombstone(segment, record.killedSegment)
  const previous = index.get(record.key)
  if (!previous || previous.segment === FILE) return
  index.delete(record.key)
  if (previous.segment === record.killedSegment) table.dropLive(previous.segment, recordBytesOf(previous))
  else leaveBehind(table, previous)
}

/** A put that no tombstone will name: see SegmentTable. */
export function leaveBehind(table: SegmentTable, previous: Place): void {
  if (previous.segment === FILE) return
  table.dropLive(previous.segment, recordBytesOf(previous))
  table.markShadowed(previous.segment)
}

export function placeOf(segment: number, record: FoundRecord): Place {
  return {
    segment,
    offset: record.offset + RECORD_HEADER_BYTES + record.headerBytes,
    payloadBytes: record.payloadBytes,
    overheadBytes: record.recordBytes - record.payloadBytes,
  }
}

function recordBytesOf(place: Place): number {
  return place.payloadBytes + place.overheadBytes
}
