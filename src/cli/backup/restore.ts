import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../../base/config.ts'
import { type CatalogueContents, countCatalogue } from '../../meta/inspect-catalogue.ts'
import { migrate } from '../../meta/migrate.ts'
import { isEmptyDatabase, lastReplayed, markRestored } from '../../meta/restored.ts'
import type { CommandDeps } from '../command-deps.ts'
import { asFailure, CommandFailure } from '../failure.ts'
import { exists, sync } from '../files.ts'
import type { RecoveryTarget } from '../postgres/wal-archive.ts'
import { findSealingKey } from '../secrets-at-hand.ts'
import { takeDataDirectory } from '../up/data-directory.ts'
import { type BackupDescription, checkFiles, readBackup } from './backup-directory.ts'
import { restoreDump, startFromBackup } from './scratch-server.ts'

export interface RestoredBackup {
  backup: BackupDescription
  /** What was committed before is in it. ISO 8601. */
  asOf: string
  contents: CatalogueContents
  /** Where it is now: a data directory, or a database. */
  into: 'data directory' | 'database'
}

/**
 * Restores a backup into an empty place: the database that DATABASE_URL names, or else the data directory, where no
 * store may run. The database is brought to this version and marked as restored: what the nodes hold beyond it stays.
 */
export async function restoreBackup(
  path: string,
  { to }: { to: RecoveryTarget },
  deps: CommandDeps,
): Promise<RestoredBackup> {
  const { settings, progress, signal } = deps
  const backup = await readBackup(path)
  refuseUnlessReachable(backup.description, to, settings)
  progress('reading all files')
  await checkFiles(backup.files.directory, backup.description)
  try {
    const { databaseUrl } = settings
    const restored =
      databaseUrl === undefined ? await intoDirectory(backup, to, deps) : await intoDatabase(backup, databaseUrl, deps)
    return { backup: backup.description, ...restored, into: databaseUrl === undefined ? 'data directory' : 'database' }
  } catch (error) {
    signal.throwIfAborted()
    throw asFailure('The backup was not restored', error)
  }
}

/** Another moment than its own end needs a base backup, and the WAL since. */
function refuseUnlessReachable({ kind, takenAt }: BackupDescription, to: RecoveryTarget, settings: Settings): void {
  if (to === 'end of the backup') return
  if (kind !== 'base') throw new CommandFailure('A dump holds one moment only: leave --to out.', { exitCode: 2 })
  if (settings.walArchive === undefined)
    throw new CommandFailure('SEXTANT_WAL_ARCHIVE_DIR must name where the WAL since the backup is.', { exitCode: 2 })
  if (typeof to === 'object' && Date.parse(to.time) < Date.parse(takenAt))
    throw new CommandFailure(`The backup holds nothing before ${takenAt}: take an older one, or a later moment.`)
}

/** The moment that the restored database is as of. */
async function momentOf(url: string, { takenAt }: BackupDescription, to: RecoveryTarget): Promise<string> {
  if (to === 'end of the backup') return takenAt
  return typeof to === 'object' ? to.time : ((await lastReplayed(url)) ?? takenAt)
}

type Backup = Awaited<ReturnType<typeof readBackup>>
type Restored = Pick<RestoredBackup, 'asOf' | 'contents'>

/** Beside its place, until it is whole and marked: a restore that is killed leaves nothing that would be started. */
async function intoDirectory(backup: Backup, to: RecoveryTarget, deps: CommandDeps): Promise<Restored> {
  const { settings, clock, signal } = deps
  await using data = await takeDataDirectory(settings.dataDirectory, { clock, waitMs: 0, onWait: () => {}, signal })
  const { postgres } = data.paths
  const cluster = join(postgres, 'cluster')
  if (await exists(cluster)) {
    throw new CommandFailure(
      `${data.paths.root} has a database already, and it is not overwritten: move ${postgres} away, and keep it until all is well.`,
    )
  }
  const fresh = `${postgres}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  try {
    const server = await startFromBackup(backup, fresh, deps, { archive: settings.walArchive, target: to })
    let restored: Restored
    try {
      restored = await finish(server.url, await momentOf(server.url, backup.description, to), deps)
    } finally {
      await server.stop()
    }
    await rm(postgres, { recursive: true, force: true }) // without a cluster: nothing of worth
    await rename(fresh, postgres)
    await sync(data.paths.root)
    return restored
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

async function intoDatabase(backup: Backup, url: string, deps: CommandDeps): Promise<Restored> {
  const { files, description } = backup
  if (description.kind === 'base') {
    throw new CommandFailure(
      'This is a copy of the embedded server, for the embedded server: unset DATABASE_URL to restore it into the data directory.',
    )
  }
  if (!(await isEmptyDatabase(url)))
    throw new CommandFailure(
      'The database that DATABASE_URL names is not empty, and it is not overwritten: make a new one.',
    )
  deps.progress('pg_restore is at work')
  await restoreDump(files.dump, description, url, deps)
  return await finish(url, description.takenAt, deps)
}

async function finish(url: string, asOf: string, { log, random, settings, signal }: CommandDeps): Promise<Restored> {
  await migrate({ url, log, signal })
  await markRestored(url, asOf)
  return { asOf, contents: await countCatalogue(url, { sealingKey: (await findSealingKey(settings)).key, random }) }
}
