import type { Log } from '../../base/log.ts'
import { type DiskPaths, hintsPath } from '../../chunk-files/paths.ts'
import type { DirectorySync } from './directory-sync.ts'
import { isMissing } from './disk-error.ts'
import type { DiskFs } from './disk-fs.ts'
import { readWhole, type TemporaryNames, writeDurably } from './durable-file.ts'
import { decodeHints, encodeHints, type Hints } from './hints.ts'

export interface HintsDeps {
  fs: DiskFs
  paths: DiskPaths
  directories: DirectorySync
  names: TemporaryNames
  log: Log
}

/** A 1 GiB segment of nothing but tombstones has hints of less than this. */
const HINTS_BYTES_MAX = 1024 * 1024 * 1024

/** Undefined: none, or damaged; the segment must be read. */
export async function readHints({ fs, paths, log }: HintsDeps, segment: number): Promise<Hints | undefined> {
  const bytes = await readWhole(fs, hintsPath(paths, segment), HINTS_BYTES_MAX).catch((error) => {
    if (!isMissing(error)) log.warn({ error, segment }, 'the hints of a segment cannot be read')
    return undefined
  })
  const hints = bytes && decodeHints(segment, bytes)
  if (bytes && !hints) log.warn({ segment }, 'the hints of a segment are damaged: it is read instead')
  return hints
}

/** Of a closed segment. Never throws: hints that cannot be written are no loss, start-up reads the segment instead. */
export async function writeHints(deps: HintsDeps, hints: Hints): Promise<void> {
  const path = hintsPath(deps.paths, hints.segment)
  try {
    const bytes = encodeHints(hints)
    await deps.names.lend((temporary) => writeDurably(deps, { temporary, path, bytes }))
  } catch (error) {
    deps.log.warn({ error, segment: hints.segment }, 'the hints of a segment could not be written')
  }
}
