import { statfs } from 'node:fs/promises'
import { type Check, type Finding, ok, skipped, warning } from '../check.ts'
import { dataPlaces } from '../places.ts'

/** https://man7.org/linux/man-pages/man2/statfs.2.html; the kernel's numbers of 32 bits. */
const UNSUITABLE: ReadonlyMap<number, readonly [name: string, why: string]> = new Map([
  [0x01021994, ['tmpfs', 'it is memory, and empty after a restart of the machine']],
  [0x858458f6, ['ramfs', 'it is memory, and empty after a restart of the machine']],
  [0x794c7630, ['overlayfs', 'in a container it goes when that is removed, and direct I/O may not work']],
  [0x6969, ['NFS', 'a sync may end at a server that keeps it in memory, and locks are not reliable']],
  [0xff534d42, ['SMB', 'a sync may end at a server that keeps it in memory, and locks are not reliable']],
  [0xfe534d42, ['SMB', 'a sync may end at a server that keeps it in memory, and locks are not reliable']],
  [0x01021997, ['9p', 'the host below decides what a sync means']],
  [0x65735546, ['FUSE', 'a program decides what a sync means']],
])

export const fileSystem: Check = {
  name: 'file system',
  async run(context) {
    if (context.role === 'gateway') return skipped('a gateway keeps no data')
    if (process.platform !== 'linux') return skipped('the numbers of file systems are known of Linux alone')
    const places = await dataPlaces(context)
    return await Promise.all(places.map(async (place) => judgeFileSystem(place, (await statfs(place)).type)))
  },
}

export function judgeFileSystem(place: string, type: number): Finding {
  const [name, why] = UNSUITABLE.get(type >>> 0) ?? []
  if (name === undefined) return ok(`${place} is on a file system of a disk`)
  return warning(`${place} is on ${name}: ${why}; put SEXTANT_DATA_DIR on a local disk (ext4, XFS).`)
}
