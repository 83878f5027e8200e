import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import sonicBoom from 'sonic-boom'
import type { Clock } from './clock.ts'
import { deadline } from './deadline.ts'
import type { Log } from './log.ts'

/** Lines appended to a file that others may move away; disposed, it writes what waits yet. */
export interface LineFile extends AsyncDisposable {
  /** Never waits, and never throws. */
  write(line: string): void
  /** Looks now whether the file is still where it was, and makes another one if not. */
  look(): Promise<void>
}

export interface LineFileOptions {
  path: string
  clock: Clock
  log: Log
  /** What waits for the disk, at most; lines beyond that are dropped, counted, and told of. */
  waitingBytesMax?: number
}

/** A second's lines at 50,000 requests a second. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024
/** How soon it is noticed that the file was moved away. */
const LOOK_MS = 2_000
const LAST_WRITE_MS_MAX = 3_000
/** A disk that is full is told of this often. */
const COMPLAIN_MS = 60_000
/** Its group may read it, where a collector of logs runs. */
const MODE = 0o640

/** Opens the file to append, or makes it. Rejects where it cannot be. */
export async function openLineFile(options: LineFileOptions): Promise<LineFile> {
  const { path, clock, log, waitingBytesMax = WAITING_BYTES_MAX } = options
  const file = new sonicBoom.SonicBoom({
    dest: path,
    sync: false,
    append: true,
    mode: MODE,
    maxLength: waitingBytesMax,
  })
  await once(file, 'ready') // rejects on its error
  let inode = await inodeOf(path)
  let dropped = 0
  let complainAtMs = 0
  let isEnded = false

  const complain = (fields: object, message: string) => {
    if (clock.nowMs() < complainAtMs) return
    complainAtMs = clock.nowMs() + COMPLAIN_MS
    log.error({ path, ...fields }, message)
  }
  // What it could not write it keeps, and tries again with the next line.
  file.on('error', (error: Error) =>
    complain({ error: error.message }, 'lines cannot be written to the file: they wait'),
  )
  file.on('drop', () => {
    dropped++
    complain({ waitingBytesMax }, 'the disk is too slow for the file: lines are dropped')
  })
  file.on('drain', () => {
    if (dropped === 0 || isEnded) return
    file.write(`${JSON.stringify({ time: new Date(clock.nowMs()).toISOString(), dropped })}\n`)
    log.error({ path, dropped }, 'lines were dropped, and are written again')
    dropped = 0
  })

  async function look(): Promise<void> {
    const now = await inodeOf(path)
    if (now === inode || isEnded) return
    file.reopen()
    await once(file, 'ready').catch(() => {}) // told of by its error
    inode = await inodeOf(path)
  }
  let timer: Disposable | undefined
  const lookLater = () => {
    timer = clock.after(LOOK_MS, () => void look().finally(() => isEnded || lookLater()))
  }
  lookLater()

  return {
    write(line) {
      if (!isEnded) file.write(`${line}\n`)
    },
    look,
    async [Symbol.asyncDispose]() {
      isEnded = true
      timer?.[Symbol.dispose]()
      using late = deadline(clock, LAST_WRITE_MS_MAX)
      const closed = once(file, 'close', { signal: late.signal }).catch(() => {})
      file.end()
      await closed
      if (late.signal.aborted) file.destroy()
    },
  }
}

/** Undefined: it is not there. */
async function inodeOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found && `${found.dev} ${found.ino}`
}
