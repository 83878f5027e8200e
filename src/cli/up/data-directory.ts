import type { FileHandle } from 'node:fs/promises'
import { mkdir, open } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { tryLock } from 'fs-native-extensions'
import type { Clock } from '../../base/clock.ts'
import { CommandFailure, systemCode } from '../failure.ts'
import { type DataPaths, dataPaths } from './data-paths.ts'

export interface DataDirectory extends AsyncDisposable {
  readonly paths: DataPaths
  /**
   * Holds the lock. Children inherit it, and the kernel keeps the lock until the last of them is gone:
   * a start after a kill -9 sees by this one lock that everything of the killed start has let go.
   */
  readonly lockFd: number
  /** From now on another start waits for this one to end, instead of being refused. */
  noteStopping(): Promise<void>
}

export interface TakeOptions {
  clock: Clock
  /** How long an earlier start that is stopping, or what a killed one left, is waited for. */
  waitMs: number
  /** Called once, before the first wait. */
  onWait(): void
  signal: AbortSignal
}

const RETRY_MS = 100
/** The lock file holds the owner's pid, a line end, and later the second word. */
const RUNNING = '\n'
const STOPPING = 'stopping\n'

/** Makes the directory if need be and locks it for this process and its children. Throws a CommandFailure if another has it. */
export async function takeDataDirectory(directory: string, options: TakeOptions): Promise<DataDirectory> {
  const paths = dataPaths(resolve(directory))
  try {
    await mkdir(paths.root, { recursive: true })
    await mkdir(paths.run, { recursive: true, mode: 0o700 })
    await mkdir(paths.metrics, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new CommandFailure(
      `The data directory ${paths.root} cannot be made (${systemCode(error)}): choose another by SEXTANT_DATA_DIR.`,
      { cause: error },
    )
  }
  const handle = await open(join(paths.root, 'lock'), 'a+', 0o644)
  try {
    await lock(handle, paths.root, options)
    await handle.truncate(0)
    await handle.write(`${process.pid}${RUNNING}`)
  } catch (error) {
    await handle.close()
    throw error
  }
  return {
    paths,
    lockFd: handle.fd,
    async noteStopping() {
      await handle.write(STOPPING)
    },
    [Symbol.asyncDispose]: () => handle.close(),
  }
}

async function lock(handle: FileHandle, root: string, { clock, waitMs, onWait, signal }: TakeOptions): Promise<void> {
  const deadlineMs = clock.nowMs() + waitMs
  for (let waited = false; !tryLock(handle.fd); waited = true) {
    const owner = await readOwner(handle)
    if (owner && !owner.isStopping && isAlive(owner.pid))
      throw new CommandFailure(`The data directory ${root} is in use by another \`sextant up\`, process ${owner.pid}.`)
    if (clock.nowMs() >= deadlineMs)
      throw new CommandFailure(
        `The data directory ${root} is still held by processes of an earlier start that was stopped or killed: end them and try again.`,
      )
    if (!waited) onWait()
    await clock.sleep(RETRY_MS, signal)
  }
}

async function readOwner(handle: FileHandle): Promise<{ pid: number; isStopping: boolean } | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0)
  const [first = '', second] = buffer.toString('latin1', 0, bytesRead).split('\n')
  const pid = Number(first)
  return Number.isSafeInteger(pid) && pid > 0 ? { pid, isStopping: second === STOPPING.trim() } : undefined
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
