import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import { takeBaseBackup } from '../../meta/base-backup.ts'
import { type DatabaseFacts, describeDatabase } from '../../meta/restored.ts'
import type { CommandDeps } from '../command-deps.ts'
import { showRounded } from '../commands/show.ts'
import { CommandFailure } from '../failure.ts'
import { readVersion } from '../version.ts'
import { type BackupDescription, type NewBackup, startBackup, writeSynced } from './backup-directory.ts'
import { findTool } from './dump.ts'
import { findDatabase } from './find-database.ts'

/** Takes a backup of all metadata into a new directory, while the store is at work. */
export async function createBackup(path: string, deps: CommandDeps): Promise<BackupDescription> {
  await using backup = await startBackup(path)
  await using database = await findDatabase(deps)
  const facts = await describeDatabase(database.url)
  const { migration } = facts
  if (migration === undefined) throw new CommandFailure('The database is empty: there is nothing to back up.')
  const known = { sextant: readVersion(), postgres: facts.version, migration }
  if (!database.isOurs) {
    await dump(database.url, facts, backup, deps)
    return await backup.finish({ kind: 'dump', ...known, takenAt: facts.now })
  }
  const wal = await copyBase(database.url, backup, deps)
  // The copy is as of its end, which this moment is after.
  const { now: takenAt } = await describeDatabase(database.url)
  return await backup.finish({ kind: 'base', ...known, takenAt, wal })
}

/** A dump is one snapshot, as of its start. */
async function dump(url: string, { versionMajor }: DatabaseFacts, { files }: NewBackup, deps: CommandDeps) {
  const pgDump = await findTool('pg_dump', versionMajor)
  deps.progress('pg_dump is at work')
  await pgDump.run(['--format=custom', '--no-owner', '--no-privileges', `--file=${files.dump}`], url, deps)
}

const TELL_EVERY_MS = 1_000

async function copyBase(url: string, { files }: NewBackup, { clock, signal, progress }: CommandDeps) {
  await using base = await takeBaseBackup(url, signal)
  async function* watched(archive: AsyncIterable<Buffer>) {
    let seenBytes = 0
    let toldMs = clock.nowMs()
    for await (const bytes of archive) {
      seenBytes += bytes.length
      if (clock.nowMs() - toldMs >= TELL_EVERY_MS) {
        toldMs = clock.nowMs()
        // What the server estimates may turn out too little.
        progress(`${showRounded(seenBytes)} of about ${showRounded(Math.max(seenBytes, base.sizeBytes))}`)
      }
      yield bytes
    }
  }
  const file = createWriteStream(files.archive, { mode: 0o600, flush: true })
  await pipeline(base.archive, watched, createZstdCompress(), file, { signal })
  const { manifest, ...wal } = await base.finished
  await writeSynced(files.manifest, manifest)
  return wal
}
