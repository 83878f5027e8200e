import { open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { partIdBytes } from '../../src/base/ids.ts'
import type { ChunkName } from '../../src/engine/ports/chunk-store.ts'

/** What befalls a chunk on a node's disk behind the node's back. Throws if the chunk is not there. */

/** Changes one byte of a large chunk's payload, in the middle of its file. */
export async function rotLarge(directory: string, chunk: ChunkName): Promise<void> {
  await using file = await open(await largeFile(directory, chunk), 'r+')
  const { size } = await file.stat()
  await flip(file, Math.floor(size / 2))
}

/** Changes one byte of a small chunk's payload, in its segment. `payload`: some bytes that only it has. */
export async function rotSmall(directory: string, payload: Buffer): Promise<void> {
  for (const name of await readdir(join(directory, 'segments'))) {
    const path = join(directory, 'segments', name)
    const at = name.endsWith('.seg') ? (await readFile(path)).indexOf(payload) : -1
    if (at < 0) continue
    await using file = await open(path, 'r+')
    await flip(file, at)
    return
  }
  throw new Error('no segment holds these bytes')
}

export async function removeLarge(directory: string, chunk: ChunkName): Promise<void> {
  await rm(await largeFile(directory, chunk))
}

async function largeFile(directory: string, { partId, index }: ChunkName): Promise<string> {
  const stem = `${partIdBytes(partId).toString('hex')}-${index.toString(16).padStart(2, '0')}-`
  const names = await readdir(join(directory, 'chunks'), { recursive: true })
  const found = names.find((name) => name.includes(stem))
  if (found === undefined) throw new Error(`no file of chunk ${index} of ${partId}`)
  return join(directory, 'chunks', found)
}

async function flip(file: Awaited<ReturnType<typeof open>>, at: number): Promise<void> {
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0]! ^= 0x40
  await file.write(byte, 0, 1, at)
}
