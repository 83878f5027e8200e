import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import type { BackupFiles } from './backup-directory.ts'
import { readManifest } from './manifest.ts'
import { readTar, type TarEntry } from './tar-entries.ts'

/**
 * Unpacks a base backup into `target`, which is made, and checks every file against PostgreSQL's manifest on the way:
 * none is missing, none is too many, sizes and SHA-256 are right. Not synced: PostgreSQL does that before it recovers.
 */
export async function unpackBaseBackup(files: BackupFiles, target: string, signal: AbortSignal): Promise<void> {
  const manifestBytes = await readFile(files.manifest)
  const manifest = readManifest(manifestBytes)
  await mkdir(target, { mode: 0o700 })
  await pipeline(
    createReadStream(files.archive),
    createZstdDecompress(),
    async (bytes: AsyncIterable<Buffer>) => {
      for await (const entry of readTar(bytes)) {
        const path = safePath(entry.path)
        const to = join(target, path)
        if (entry.kind === 'directory') await mkdir(to, { recursive: true, mode: 0o700 })
        else manifest.check(path, { sizeBytes: entry.sizeBytes, sha256: await writeFileOf(entry, to) })
      }
    },
    { signal },
  )
  manifest.finish()
}

/** Names in the archive stay under the target, whatever they say. */
function safePath(path: string): string {
  const clean = normalize(path)
  if (clean.startsWith('/') || clean.split('/').includes('..')) throw new Error(`${path} leads out of the backup`)
  return clean.replace(/\/$/, '')
}

/** Answers the SHA-256 of what was written. */
async function writeFileOf({ path, kind, body }: TarEntry, to: string): Promise<string> {
  if (kind === 'other') throw new Error(`${path} is neither a file nor a directory`)
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  const hash = createHash('sha256')
  const handle = await open(to, 'wx', 0o600)
  try {
    for await (const piece of body) {
      hash.update(piece)
      await handle.writeFile(piece)
    }
  } finally {
    await handle.close()
  }
  return hash.digest('hex')
}
