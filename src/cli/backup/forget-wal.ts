import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CommandDeps } from '../command-deps.ts'
import { CommandFailure } from '../failure.ts'
import { readBackup } from './backup-directory.ts'

/** As archived: timeline, segment. What else is there (`.history`, `.backup`) is small, and stays. */
const SEGMENT = /^[0-9A-F]{8}([0-9A-F]{16})\.gz(\.new)?$/

/** Deletes from the archive what neither the backup in `path` nor any later one needs; answers how many files. */
export async function forgetWal(path: string, { settings }: CommandDeps): Promise<{ deleted: number }> {
  const { walArchive } = settings
  if (walArchive === undefined)
    throw new CommandFailure('SEXTANT_WAL_ARCHIVE_DIR must name the archive of WAL.', { exitCode: 2 })
  const { wal } = (await readBackup(path)).description
  if (!wal) throw new CommandFailure('A dump needs no WAL, and says nothing about which others need.', { exitCode: 2 })
  const first = segmentAt(wal.startLsn)
  const old = (await readdir(walArchive)).filter((name) => (SEGMENT.exec(name)?.[1] ?? first) < first)
  for (const name of old) await rm(join(walArchive, name))
  return { deleted: old.length }
}

/** `2/3000028` lies in segment 00000002 00000003, of 16 MiB: https://www.postgresql.org/docs/current/wal-internals.html */
function segmentAt(lsn: string): string {
  const [high = '', low = ''] = lsn.split('/')
  const segment = Number.parseInt(low, 16) >>> 24
  return (high.padStart(8, '0') + segment.toString(16).padStart(8, '0')).toUpperCase()
}
