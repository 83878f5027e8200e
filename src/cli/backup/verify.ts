import { type CatalogueContents, checkCatalogue, countCatalogue } from '../../meta/inspect-catalogue.ts'
import { migrate } from '../../meta/migrate.ts'
import type { CommandDeps } from '../command-deps.ts'
import { asFailure } from '../failure.ts'
import { findSealingKey } from '../secrets-at-hand.ts'
import { type BackupDescription, checkFiles, readBackup } from './backup-directory.ts'
import { scratchDirectory, startFromBackup } from './scratch-server.ts'

export interface VerifiedBackup {
  backup: BackupDescription
  contents: CatalogueContents
}

/** Nobody needs what is on it afterwards. */
const NOT_DURABLE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

/**
 * Whether a backup can be restored: every file is as it was written, a PostgreSQL starts on it, brings it to this
 * version, and finds nothing wrong in it. `scratch`: where there is room for the whole database. CommandFailure.
 */
export async function verifyBackup(
  path: string,
  { scratch }: { scratch: string | undefined },
  deps: CommandDeps,
): Promise<VerifiedBackup> {
  const { log, signal, random, settings, progress } = deps
  const backup = await readBackup(path)
  progress('reading all files')
  await checkFiles(backup.files.directory, backup.description)
  await using directory = await scratchDirectory(scratch)
  try {
    const server = await startFromBackup(backup, directory.path, deps, {
      settings: NOT_DURABLE,
      target: 'end of the backup',
    })
    try {
      await migrate({ url: server.url, log, signal })
      progress('PostgreSQL reads every table and index')
      await checkCatalogue(server.url)
      const contents = await countCatalogue(server.url, { sealingKey: (await findSealingKey(settings)).key, random })
      return { backup: backup.description, contents }
    } finally {
      await server.stop()
    }
  } catch (error) {
    signal.throwIfAborted()
    throw asFailure('The backup cannot be restored', error)
  }
}
