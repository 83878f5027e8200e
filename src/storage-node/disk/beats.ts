import type { Log } from '../../base/log.ts'
import type { DiskPaths } from '../../chunk-files/paths.ts'
import type { DirectorySync } from './directory-sync.ts'
import { isMissing } from './disk-error.ts'
import type { DiskFs } from './disk-fs.ts'
import { readWhole, type TemporaryNames, writeDurably } from './durable-file.ts'

interface BeatsDeps {
  fs: DiskFs
  directories: DirectorySync
  names: TemporaryNames
  paths: DiskPaths
  log: Log
}

const BYTES_MAX = 32

/** How many heartbeats the database had counted when it last answered: what it must know of, or it was restored since. */
export class BeatsFile {
  readonly #deps: BeatsDeps
  #beats: number

  private constructor(deps: BeatsDeps, beats: number) {
    this.#deps = deps
    this.#beats = beats
  }

  static async open(deps: BeatsDeps): Promise<BeatsFile> {
    return new BeatsFile(deps, await readBeats(deps))
  }

  get beats(): number {
    return this.#beats
  }

  /** Resolves when it is durable. */
  async note(beats: number): Promise<void> {
    this.#beats = beats
    const { names, paths } = this.#deps
    const bytes = Buffer.from(`${beats}\n`)
    await names.lend((temporary) => writeDurably(this.#deps, { temporary, path: paths.beats, bytes }))
  }
}

/** A damaged file is no reason not to serve: with the next heartbeat there is a good one. */
async function readBeats({ fs, paths, log }: BeatsDeps): Promise<number> {
  const bytes = await readWhole(fs, paths.beats, BYTES_MAX).catch((error) => {
    if (isMissing(error)) return Buffer.from('0\n')
    throw error
  })
  const text = bytes?.toString() ?? ''
  if (/^\d{1,15}\n$/.test(text)) return Number(text)
  log.error(
    { path: paths.beats },
    'the count of heartbeats is damaged: a restored database will not be recognised by it',
  )
  return 0
}
