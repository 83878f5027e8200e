import { randomInt } from 'node:crypto'
import { copyFile, type FileHandle, open, stat } from 'node:fs/promises'
import { chunkIdBytes } from '../../../src/base/ids.ts'
import type { PartLayout } from '../../../src/base/model.ts'
import { parseKey } from '../../../src/chunk-files/chunk-key.ts'
import { chunkFilePath, diskPaths, segmentPath } from '../../../src/chunk-files/paths.ts'
import { payloadBytes } from '../../../src/striping/layout.ts'
import { live } from '../../meta/fixture.ts'
import type { StoreInProcess } from '../../support/store-in-process.ts'

/** A chunk, by its part's row. */
export interface PlacedChunk {
  layout: PartLayout
  index: number
}

/** Where its bytes lie: a file of its own, or a stretch of a segment. */
interface Lair {
  path: string
  isFile: boolean
  /** Of what is spoilt: the whole file, or the payload in the segment. */
  start: number
  length: number
}

/**
 * What befalls a chunk behind its node's back. `donor`: another chunk of the same size; `where`: from 0, its beginning, to
 * 1. At the same place in several chunks of a part, it hits the same stripe.
 */
export const blights = {
  'a bit flipped': async ({ chunk, where }: Victim) => {
    await using file = await open(chunk.path, 'r+')
    const at = chunk.start + Math.floor(where * chunk.length)
    const byte = await readAt(file, at, 1)
    byte[0]! ^= 1 << randomInt(8)
    await file.write(byte, 0, 1, at)
  },
  // A segment goes on behind: there the rest is as if it had never been written.
  'cut short': async ({ chunk, where }: Victim) => {
    await using file = await open(chunk.path, 'r+')
    const kept = Math.floor(where * chunk.length)
    if (chunk.isFile) await file.truncate(kept)
    else await file.write(Buffer.alloc(chunk.length - kept), 0, chunk.length - kept, chunk.start + kept)
  },
  zeroed: async ({ chunk }: Victim) => {
    await using file = await open(chunk.path, 'r+')
    await file.write(Buffer.alloc(chunk.length), 0, chunk.length, chunk.start)
  },
  "another chunk's bytes": replaceBy,
  'an older copy of the object': replaceBy,
} as const

export type Blight = keyof typeof blights

interface Victim {
  chunk: Lair
  donor: Lair
  where: number
}

export async function spoilChunk(
  store: StoreInProcess,
  blight: Blight,
  { chunk, donor, where }: { chunk: PlacedChunk; donor: PlacedChunk; where: number },
): Promise<void> {
  await blights[blight]({ chunk: await lairOf(store, chunk), donor: await lairOf(store, donor), where })
}

async function lairOf(store: StoreInProcess, { layout, index }: PlacedChunk): Promise<Lair> {
  const { partId, servers } = layout
  const server = servers[index]!
  const paths = diskPaths(store.nodes.find(({ number }) => number === server)!.directory)
  const length = payloadBytes(layout)
  const { segment, offset } = await store.engineDeps.chunks.locateChunk(server, { partId, index }, live)
  if (segment !== 0) return { path: segmentPath(paths, segment), isFile: false, start: offset, length }
  const path = chunkFilePath(paths, { key: parseKey(chunkIdBytes(partId, index)), payloadBytes: length })
  return { path, isFile: true, start: 0, length: (await stat(path)).size }
}

async function replaceBy({ chunk, donor }: Victim): Promise<void> {
  if (chunk.isFile) return await copyFile(donor.path, chunk.path)
  await using from = await open(donor.path)
  await using to = await open(chunk.path, 'r+')
  await to.write(await readAt(from, donor.start, donor.length), 0, donor.length, chunk.start)
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, at)
  return buffer
}
