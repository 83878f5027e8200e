import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CommandDeps } from '../command-deps.ts'
import { type EmbeddedPostgres, startPostgres } from '../postgres/start.ts'
import type { RecoveryTarget } from '../postgres/wal-archive.ts'
import type { BackupDescription, BackupFiles } from './backup-directory.ts'
import { findTool } from './dump.ts'
import { unpackBaseBackup } from './unpack.ts'

export interface BackupServerOptions {
  settings?: Readonly<Record<string, string>>
  /** Of WAL, for a base backup. */
  archive?: string | undefined
  target: RecoveryTarget
}

/** A server of ours that holds a backup, in `directory`. */
export async function startFromBackup(
  { files, description }: { files: BackupFiles; description: BackupDescription },
  directory: string,
  deps: CommandDeps,
  { settings = {}, archive, target }: BackupServerOptions,
): Promise<EmbeddedPostgres> {
  const { log, signal, progress } = deps
  if (description.kind === 'base') {
    progress('unpacking, and checking every file')
    await unpackBaseBackup(files, join(directory, 'cluster'), signal)
    progress('PostgreSQL recovers from it')
    return await startPostgres({ directory, log, settings, recovery: { archive, target }, signal })
  }
  const server = await startPostgres({ directory, log, settings, signal })
  try {
    progress('pg_restore is at work')
    await restoreDump(files.dump, description, server.url, deps)
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** All of it in one transaction. */
export async function restoreDump(
  dump: string,
  { postgres }: BackupDescription,
  url: string,
  deps: CommandDeps,
): Promise<void> {
  const pgRestore = await findTool('pg_restore', Number.parseInt(postgres, 10))
  await pgRestore.run(['--single-transaction', '--exit-on-error', '--no-owner', '--no-privileges', dump], url, deps)
}

/** A directory that is gone afterwards. */
export async function scratchDirectory(parent = tmpdir()): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(parent, 'sextant-verify-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
