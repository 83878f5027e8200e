import { keyName } from '../../chunk-files/chunk-key.ts'
import { FAN_OUT, fanOut, fanOutDirectory, parseChunkFileName } from '../../chunk-files/paths.ts'
import { leaveBehind } from './apply-record.ts'
import { FILE } from './chunk-index.ts'
import type { RecoveryDeps } from './recover-segments.ts'

const DIRECTORIES_AT_ONCE = 8

/** Makes the directories that are missing, durably, and removes what was never finished. */
export async function prepareDirectories({ fs, paths, directories }: RecoveryDeps): Promise<void> {
  for (const path of [paths.temporary, paths.segments, paths.chunks]) await fs.makeDirectory(path)
  await directories.sync(paths.root)
  const there = new Set(await fs.readDirectory(paths.chunks))
  const missing = Array.from({ length: FAN_OUT }, (_, byte) => byte).filter((b) => !there.has(hex(b)))
  for (const byte of missing) await fs.makeDirectory(fanOutDirectory(paths, byte))
  if (missing.length > 0) await directories.sync(paths.chunks)
  for (const name of await fs.readDirectory(paths.temporary)) await fs.unlink(`${paths.temporary}/${name}`)
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}

/** Enters the large chunks into the index, by their names alone. After the segments. */
export async function recoverFiles(deps: RecoveryDeps): Promise<void> {
  let next = 0
  const readSome = async () => {
    while (next < FAN_OUT) await recoverDirectory(deps, next++)
  }
  await Promise.all(Array.from({ length: DIRECTORIES_AT_ONCE }, readSome))
}

async function recoverDirectory(deps: RecoveryDeps, byte: number): Promise<void> {
  const { fs, paths, directories, index, table, log } = deps
  const directory = fanOutDirectory(paths, byte)
  // A killed process may have left names that are not durable yet, or not durably gone: the index must not say more
  // than the disk. A directory without changes costs next to nothing.
  await directories.sync(directory)
  for (const name of await fs.readDirectory(directory)) {
    const parsed = parseChunkFileName(name)
    if (!parsed || fanOut(parsed.key) !== byte) {
      log.warn({ name, directory: hex(byte) }, 'a file among the chunks that is none')
      continue
    }
    const { key, payloadBytes } = parsed
    const previous = index.get(key)
    if (previous?.segment === FILE) {
      log.error({ chunk: keyName(key) }, 'two files of one chunk; the second one is not used')
      continue
    }
    index.set(key, { segment: FILE, offset: 0, payloadBytes, overheadBytes: 0 })
    if (previous) leaveBehind(table, previous)
  }
}
