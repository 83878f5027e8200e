import type { Command } from 'commander'
import type { CatalogueContents } from '../../meta/inspect-catalogue.ts'
import { withCommandDeps } from '../command-deps.ts'
import { CommandFailure } from '../failure.ts'
import { printJson } from '../output.ts'
import type { RecoveryTarget } from '../postgres/wal-archive.ts'
import { progressLine } from './progress-line.ts'
import { showCount, showRounded } from './show.ts'

interface Options {
  json?: true
  scratch?: string
  to?: string
}

const HELP = `
The chunks stay where they are, on the storage nodes: a backup holds what PostgreSQL has. Of a store whose PostgreSQL
is its own, it is a copy of that server (a base backup); of a server of yours (DATABASE_URL), what pg_dump makes of it.
Keep the directory secrets/ of the data directory elsewhere too: without the sealing key, no access key works.
docs/backup.md tells the rest.`

export function addBackupCommands(program: Command): void {
  const backup = program
    .command('backup')
    .description('save, check and bring back the metadata')
    .addHelpText('after', HELP)
  backup
    .command('create')
    .description('save all metadata into a new directory; the store may be at work')
    .argument('<directory>', 'to be made')
    .option('--json', 'as one line of JSON')
    .action(async (directory: string, { json }: Options) => {
      const { createBackup } = await import('../backup/create.ts')
      const made = await withCommandDeps(progressLine(json), (deps) => createBackup(directory, deps))
      if (json) printJson(made)
      else {
        const sizeBytes = made.files.reduce((sum, file) => sum + file.sizeBytes, 0)
        process.stdout.write(`backup of ${made.takenAt} in ${directory}, ${showRounded(sizeBytes)}\n`)
      }
    })
  backup
    .command('verify')
    .description('check every file, start a PostgreSQL on a copy, and have it read everything')
    .argument('<directory>', 'of a backup')
    .option(
      '--scratch <directory>',
      'where there is room for the whole database; the system’s temporary one if not given',
    )
    .option('--json', 'as one line of JSON')
    .action(async (directory: string, { json, scratch }: Options) => {
      const { verifyBackup } = await import('../backup/verify.ts')
      const verified = await withCommandDeps(progressLine(json), (deps) => verifyBackup(directory, { scratch }, deps))
      if (json) printJson(verified)
      else process.stdout.write(`the backup of ${verified.backup.takenAt} is good\n${contentLines(verified.contents)}`)
    })
  backup
    .command('restore')
    .description('bring it back, into a data directory without a database, or an empty database (DATABASE_URL)')
    .argument('<directory>', 'of a backup')
    .option('--to <moment>', 'as of then (ISO 8601 with time zone, or «latest»), by the WAL in SEXTANT_WAL_ARCHIVE_DIR')
    .option('--json', 'as one line of JSON')
    .action(async (directory: string, { json, to }: Options) => {
      const target = parseMoment(to)
      const { restoreBackup } = await import('../backup/restore.ts')
      const restored = await withCommandDeps(progressLine(json), (deps) =>
        restoreBackup(directory, { to: target }, deps),
      )
      if (json) printJson(restored)
      else {
        const { asOf, contents, into } = restored
        process.stdout.write(`all metadata as of ${asOf} is in the ${into} again\n${contentLines(contents)}`)
        process.stdout.write(
          `What was written since is not in it; its chunks are on the nodes still, and stay there (docs/backup.md).\n`,
        )
      }
    })
  backup
    .command('forget-wal')
    .description('delete archived WAL that a backup and all later ones do not need')
    .argument('<directory>', 'of the oldest backup that is kept')
    .option('--json', 'as one line of JSON')
    .action(async (directory: string, { json }: Options) => {
      const { forgetWal } = await import('../backup/forget-wal.ts')
      const done = await withCommandDeps(progressLine(json), (deps) => forgetWal(directory, deps))
      if (json) printJson(done)
      else process.stdout.write(`${showCount(done.deleted, 'file')} deleted\n`)
    })
}

function parseMoment(text: string | undefined): RecoveryTarget {
  if (text === undefined) return 'end of the backup'
  if (text === 'latest') return text
  const isMoment = /T.*(Z|[+-]\d\d:?\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
  if (!isMoment) throw new CommandFailure('--to is a moment like 2026-11-26T12:00:00Z, or «latest».', { exitCode: 2 })
  return { time: new Date(text).toISOString() }
}

function contentLines({ accounts, buckets, objects, sizeBytes, uploads, opensSecrets }: CatalogueContents): string {
  const lines = [
    `contents    ${showCount(objects, 'object')} (${showRounded(sizeBytes)}) in ${showCount(buckets, 'bucket')}, ${showCount(uploads, 'upload')} under way, ${showCount(accounts, 'account')}`,
  ]
  if (opensSecrets === true) lines.push('access keys the sealing key at hand opens them')
  if (opensSecrets === false)
    lines.push('access keys the sealing key at hand does NOT open them: bring back the one that secrets/ had')
  if (opensSecrets === null) lines.push('access keys not tried: there is no sealing key at hand')
  return `${lines.join('\n')}\n`
}
