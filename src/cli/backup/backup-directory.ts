import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { CommandFailure, systemCode } from '../failure.ts'
import { exists, sync } from '../files.ts'

/** What a backup says of itself, in backup.json. */
export interface BackupDescription {
  format: 1
  /** `base`: a copy of the embedded server's data directory. `dump`: what pg_dump made of somebody's own server. */
  kind: 'base' | 'dump'
  sextant: string
  /** PostgreSQL's version, as it says. */
  postgres: string
  /** The last migration. */
  migration: string
  /** What was committed before this moment, by the database's clock, is in it. ISO 8601. */
  takenAt: string
  /** Of a base backup: where in the WAL it begins and ends. */
  wal?: { startLsn: string; endLsn: string; timeline: number }
  /** Of every other file in the directory. */
  files: { name: string; sizeBytes: number; sha256: string }[]
}

export interface BackupFiles {
  directory: string
  archive: string
  manifest: string
  dump: string
}

const DESCRIPTION = 'backup.json'
const PARTIAL = '.partial'

/** A backup being written: under another name beside its own, until it is whole and synced. */
export interface NewBackup extends AsyncDisposable {
  readonly files: BackupFiles
  /** Makes it a backup. Without this, it is removed. */
  finish(description: Omit<BackupDescription, 'format' | 'files'>): Promise<BackupDescription>
}

/** Throws a CommandFailure when something is there already. */
export async function startBackup(path: string): Promise<NewBackup> {
  const directory = resolve(path)
  if (await exists(directory)) throw new CommandFailure(`${directory} is there already: name a new directory.`)
  const partial = filesIn(`${directory}${PARTIAL}`)
  await rm(partial.directory, { recursive: true, force: true })
  await mkdir(partial.directory, { recursive: true, mode: 0o700 })
  let isWhole = false
  return {
    files: partial,
    async finish(known) {
      const { manifest, archive, dump } = partial
      const files = await Promise.all((known.kind === 'base' ? [archive, manifest] : [dump]).map(describeFile))
      const description: BackupDescription = { format: 1, ...known, files }
      await writeSynced(join(partial.directory, DESCRIPTION), `${JSON.stringify(description, null, 2)}\n`)
      await sync(partial.directory)
      await rename(partial.directory, directory)
      await sync(dirname(directory))
      isWhole = true
      return description
    },
    async [Symbol.asyncDispose]() {
      if (!isWhole) await rm(partial.directory, { recursive: true, force: true })
    },
  }
}

/** What the backup in a directory says of itself. CommandFailure when it is none, or not one that we can read. */
export async function readBackup(path: string): Promise<{ files: BackupFiles; description: BackupDescription }> {
  const files = filesIn(resolve(path))
  let description: BackupDescription
  try {
    description = JSON.parse(await readFile(join(files.directory, DESCRIPTION), 'utf8')) as BackupDescription
  } catch (cause) {
    throw new CommandFailure(`${files.directory} is no backup: it has no ${DESCRIPTION} that can be read.`, { cause })
  }
  if (description.format !== 1)
    throw new CommandFailure(
      `${files.directory} was written by a newer Sextant (${description.sextant}): use that one.`,
    )
  return { files, description }
}

/** Every file is there, with the size and the SHA-256 that it was written with. CommandFailure. */
export async function checkFiles(directory: string, { files }: BackupDescription): Promise<void> {
  for (const { name, sizeBytes, sha256 } of files) {
    const path = join(directory, name)
    const found = await describeFile(path).catch((cause: unknown) => {
      throw new CommandFailure(`The backup is damaged: ${path} cannot be read (${systemCode(cause)}).`, { cause })
    })
    if (found.sizeBytes !== sizeBytes)
      throw new CommandFailure(`The backup is damaged: ${path} has ${found.sizeBytes} bytes, and had ${sizeBytes}.`)
    if (found.sha256 !== sha256)
      throw new CommandFailure(`The backup is damaged: ${path} is not what was written (its SHA-256 is another).`)
  }
}

export async function writeSynced(path: string, content: string | Buffer): Promise<void> {
  const handle = await open(path, 'w', 0o600)
  try {
    await handle.writeFile(content)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function describeFile(path: string): Promise<BackupDescription['files'][number]> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const { size: sizeBytes } = await stat(path)
  return { name: path.slice(dirname(path).length + 1), sizeBytes, sha256: hash.digest('hex') }
}

export function filesIn(directory: string): BackupFiles {
  return {
    directory,
    archive: join(directory, 'base.tar.zst'),
    manifest: join(directory, 'backup_manifest'),
    dump: join(directory, 'database.dump'),
  }
}
