import { chunkIdBytes } from '../../../src/base/ids.ts'
import { keyName, parseKey } from '../../../src/chunk-files/chunk-key.ts'
import { diskPaths, segmentPath } from '../../../src/chunk-files/paths.ts'
import type { ChunkName } from '../../../src/engine/ports/chunk-store.ts'
import type { Chance } from './chance.ts'
import { NODE_DIRECTORY, type SimNode } from './node.ts'

/** What befalls a chunk behind its node's back. `swap`: bytes of it change places, as a block of another place would. */
export type Rot = 'flip' | 'zero' | 'truncate' | 'swap'

/** Bytes that are damaged at once. */
const RUN_BYTES = 64

/** Answers whether it was there to be damaged. */
export function rotChunk(node: SimNode, chunk: ChunkName, how: Rot, chance: Chance): boolean {
  const found = whereItLies(node, chunk)
  if (!found) return false
  const { path, offset, length } = found
  const at = offset + chance.integer(length)
  const isShared = path.endsWith('.seg')
  // A segment's end is not the chunk's own.
  const kind = isShared && how === 'truncate' ? 'flip' : how
  node.disk.damage(path, (content) => damaged(content, { kind, at, end: offset + length }))
  return true
}

function whereItLies({ disk, running }: SimNode, { partId, index }: ChunkName) {
  const id = chunkIdBytes(partId, index)
  const paths = diskPaths(NODE_DIRECTORY)
  try {
    const { segment, offset } = running!.disk.locate(id)
    if (segment !== 0) return { path: segmentPath(paths, segment), offset, length: 1 }
  } catch {
    return undefined
  }
  const stem = keyName(parseKey(id))
  const path = [...disk.names.keys()].find((name) => name.startsWith(paths.chunks) && name.includes(stem))
  return path === undefined ? undefined : { path, offset: 0, length: Number.parseInt(path.split('-').at(-1)!, 16) }
}

function damaged(content: Buffer, { kind, at, end }: { kind: Rot; at: number; end: number }): Buffer {
  if (at >= content.length) return content
  if (kind === 'truncate') return content.subarray(0, at)
  if (kind === 'flip') content[at]! ^= 0x40
  if (kind === 'zero') content.fill(0, at, Math.min(end, at + RUN_BYTES))
  if (kind === 'swap') content.subarray(at, Math.min(end, at + RUN_BYTES)).reverse()
  return content
}
