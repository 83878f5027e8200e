import { createHash } from 'node:crypto'

/** What PostgreSQL says that a base backup consists of; every file is to be found once, and none besides. */
export interface Manifest {
  /** Throws when the file is not in the backup, or not as it is there. */
  check(path: string, found: { sizeBytes: number; sha256: string }): void
  /** Throws when a file did not come. Answers how many did. */
  finish(): number
}

interface ManifestFile {
  Path?: string
  /** In hex, where the name is not UTF-8. */
  'Encoded-Path'?: string
  Size: number
  'Checksum-Algorithm'?: string
  Checksum?: string
}

/**
 * The manifest does not list the WAL's files, or without sums: PostgreSQL's recovery checks them, record by record.
 * https://www.postgresql.org/docs/current/app-pgverifybackup.html
 */
const UNCHECKED = /^(pg_wal\/|backup_manifest$)/

/** https://www.postgresql.org/docs/current/backup-manifest-format.html */
export function readManifest(bytes: Buffer): Manifest {
  checkOwnSum(bytes)
  const { Files: files } = JSON.parse(bytes.toString('utf8')) as { Files: ManifestFile[] }
  const listed = files.map((file) => [pathOf(file), file] as const).filter(([path]) => !UNCHECKED.test(path))
  const left = new Map(listed)
  const total = left.size
  return {
    check(path, { sizeBytes, sha256 }) {
      if (UNCHECKED.test(path)) return
      const file = left.get(path)
      if (!file) throw new Error(`${path} is not in the manifest, or twice in the backup`)
      left.delete(path)
      if (file.Size !== sizeBytes) throw new Error(`${path} has ${sizeBytes} bytes, and should have ${file.Size}`)
      if (file['Checksum-Algorithm'] !== 'SHA256') throw new Error(`${path} has no SHA-256 in the manifest`)
      if (file.Checksum !== sha256) throw new Error(`${path} is damaged: its SHA-256 is another than in the manifest`)
    },
    finish() {
      const [missing] = left.keys()
      if (missing !== undefined) throw new Error(`${missing} is missing`)
      return total
    },
  }
}

function pathOf(file: ManifestFile): string {
  return file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('utf8')
}

/** The last line holds the SHA-256 of all that stands before it. */
function checkOwnSum(bytes: Buffer): void {
  const start = bytes.lastIndexOf('"Manifest-Checksum"')
  const given = /^"Manifest-Checksum"\s*:\s*"([0-9a-f]{64})"/.exec(bytes.toString('latin1', Math.max(0, start)))?.[1]
  const found = createHash('sha256').update(bytes.subarray(0, start)).digest('hex')
  if (start < 0 || given !== found) throw new Error('backup_manifest is damaged: it does not match its own checksum')
}
