import { join } from 'node:path'
import { type ChunkKey, keyName } from './chunk-key.ts'

/** Where things lie in a node's directory. */
export interface DiskPaths {
  root: string
  /** Who this node is: identity.ts. */
  identity: string
  /** Heartbeats that the database has counted. */
  beats: string
  lock: string
  /** What is not yet durable under its name; emptied at start-up. */
  temporary: string
  segments: string
  /** 256 directories, 00 to ff. */
  chunks: string
}

export function diskPaths(root: string): DiskPaths {
  return {
    root,
    identity: join(root, 'node.json'),
    beats: join(root, 'beats'),
    lock: join(root, 'lock'),
    temporary: join(root, 'tmp'),
    segments: join(root, 'segments'),
    chunks: join(root, 'chunks'),
  }
}

/** Payloads up to this lie in segments, larger ones in files of their own: unless a node was told otherwise. */
export const SMALL_CHUNK_BYTES_MAX = 256 * 1024

export const FAN_OUT = 256

/**
 * The directory of a large chunk: byte 10 of its id. Of a UUIDv7's bytes 0-5 are time, 12-15 the session, and 6 and 8
 * begin with fixed bits; 10 is random.
 */
export function fanOut(key: ChunkKey): number {
  return (key.w2 >>> 8) & 0xff
}

export function fanOutDirectory(paths: DiskPaths, byte: number): string {
  return join(paths.chunks, byte.toString(16).padStart(2, '0'))
}

/** The name tells id and length, so that start-up opens no file. */
export interface ChunkFileName {
  key: ChunkKey
  payloadBytes: number
}

export function chunkFilePath(paths: DiskPaths, { key, payloadBytes }: ChunkFileName): string {
  return join(fanOutDirectory(paths, fanOut(key)), `${keyName(key)}-${payloadBytes.toString(16)}`)
}

export function parseChunkFileName(name: string): ChunkFileName | undefined {
  const match = /^([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})-([0-9a-f]{2})-([0-9a-f]{1,8})$/.exec(name)
  if (!match) return undefined
  const [w0, w1, w2, w3, index, payloadBytes] = match.slice(1).map((hex) => Number.parseInt(hex, 16))
  return { key: { w0: w0!, w1: w1!, w2: w2!, w3: w3!, index: index! }, payloadBytes: payloadBytes! }
}

export function segmentPath(paths: DiskPaths, segment: number): string {
  return join(paths.segments, `${segmentStem(segment)}.seg`)
}

export function hintsPath(paths: DiskPaths, segment: number): string {
  return join(paths.segments, `${segmentStem(segment)}.idx`)
}

function segmentStem(segment: number): string {
  return segment.toString().padStart(10, '0')
}

export interface SegmentFileName {
  segment: number
  kind: 'seg' | 'idx'
}

export function parseSegmentFileName(name: string): SegmentFileName | undefined {
  const match = /^(\d{10})\.(seg|idx)$/.exec(name)
  const segment = Number(match?.[1])
  if (!match || segment < 1 || segment > 0xffff_ffff) return undefined
  return { segment, kind: match[2] as 'seg' | 'idx' }
}
