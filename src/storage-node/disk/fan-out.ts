import type { ChunkKey } from '../../chunk-files/chunk-key.ts'
import { fanOut, fanOutDirectory } from '../../chunk-files/paths.ts'
import { isMissing } from './disk-error.ts'
import type { RecoveryDeps } from './recover-segments.ts'

type FanOutParts = Pick<RecoveryDeps, 'fs' | 'paths' | 'directories' | 'log'>

/** Does what needs the directory of a large chunk, once more where somebody took that away: it is made anew, durably. */
export async function inFanOut(
  parts: FanOutParts,
  key: ChunkKey,
  work: (directory: string) => Promise<void>,
): Promise<void> {
  const directory = fanOutDirectory(parts.paths, fanOut(key))
  try {
    await work(directory)
  } catch (error) {
    if (!isMissing(error)) throw error
    await remake(parts, directory)
    await work(directory)
  }
}

async function remake({ fs, paths, directories, log }: FanOutParts, directory: string): Promise<void> {
  log.error({ directory }, 'a directory of chunks was taken away; it is made anew')
  await fs.makeDirectory(paths.chunks)
  await directories.sync(paths.root)
  await fs.makeDirectory(directory)
  await directories.sync(paths.chunks)
}
