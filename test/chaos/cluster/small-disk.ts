import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MIB = 1024 * 1024

/** A file system of its own, small, that can be filled up, and broken. */
export interface SmallDisk extends AsyncDisposable {
  /** To keep things in. */
  readonly directory: string
  /** Takes all the space that is left; again, if some came free. */
  fill(): Promise<void>
  /** Gives it back. */
  free(): Promise<void>
  /** The kernel finds an error, as of a failing disk, and lets nobody write any more; what is open can still be read. */
  turnReadOnly(): Promise<void>
  /** Checks and mounts it again. Nothing may be open on it. */
  mend(): Promise<void>
}

/** Whether this machine lets us mount: root may, unless it is root of a container alone. */
export async function mayMount(): Promise<boolean> {
  try {
    await using _disk = await openSmallDisk({ mib: 8 })
    return true
  } catch (error) {
    if (/permission denied|failed to setup loop|not permitted|must be superuser/i.test(String(error))) return false
    throw error
  }
}

/** ext4 in a file, mounted by a loop device. */
export async function openSmallDisk({ mib }: { mib: number }): Promise<SmallDisk> {
  await using unlessDone = new AsyncDisposableStack()
  const stack = unlessDone.use(new AsyncDisposableStack())
  const place = await mkdtemp(join(tmpdir(), 'sextant-disk-'))
  stack.defer(() => rm(place, { recursive: true, force: true }))
  const [image, mountPoint] = [join(place, 'image'), join(place, 'mounted')]
  await mkdir(mountPoint)
  await using file = await open(image, 'w')
  await file.truncate(mib * MIB)
  // No blocks kept for root: they are who we are.
  await run('mkfs.ext4', ['-q', '-m', '0', image])
  const mount = async () => void (await run('mount', ['-o', 'loop,errors=remount-ro', image, mountPoint]))
  const unmount = () => unmountSoon(mountPoint)
  await mount()
  stack.defer(unmount)
  const directory = join(mountPoint, 'data')
  await mkdir(directory)
  const ballast = join(mountPoint, 'ballast')
  unlessDone.move()
  return {
    directory,
    fill: () => fillUp(ballast),
    free: () => rm(ballast),
    async turnReadOnly() {
      const { stdout: device } = await run('findmnt', ['-no', 'SOURCE', mountPoint])
      await writeFile(`/sys/fs/ext4/${basename(device.trim())}/trigger_fs_error`, '1')
    },
    async mend() {
      await unmount()
      // 1: errors were found, and mended.
      await run('e2fsck', ['-fy', image]).catch((error) => {
        if (error.code !== 1) throw error
      })
      await mount()
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

async function fillUp(path: string): Promise<void> {
  await using file = await open(path, 'a')
  for (let bytes = MIB; bytes >= 4096; ) {
    try {
      await file.write(Buffer.alloc(bytes, 1))
      await file.sync()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      bytes /= 4
    }
  }
}

/** Processes that were killed a moment ago may still be on their way out, and gateways be told that the disk failed. */
async function unmountSoon(mountPoint: string): Promise<void> {
  for (let tries = 50; ; tries--) {
    try {
      await run('umount', [mountPoint])
      return
    } catch (error) {
      if (tries === 0 || !/busy/.test(String(error))) throw error
      await sleep(100)
    }
  }
}
