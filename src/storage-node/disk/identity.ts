import { dirname } from 'node:path'
import type { Random } from '../../base/clock.ts'
import { ChunkError } from '../../base/faults.ts'
import type { ServerId } from '../../base/ids.ts'
import { DISK_FORMAT, formatIdentity, IDENTITY_BYTES_MAX, parseIdentity } from '../../chunk-files/identity.ts'
import type { DiskPaths } from '../../chunk-files/paths.ts'
import type { DirectorySync } from './directory-sync.ts'
import { isMissing } from './disk-error.ts'
import type { DiskFs } from './disk-fs.ts'
import { readWhole, writeDurably } from './durable-file.ts'

interface IdentityDeps {
  fs: DiskFs
  directories: DirectorySync
  random: Random
  paths: DiskPaths
}

/** Makes the directory if need be and takes its lock, which the kernel frees when the process dies. Throws if it is taken. */
export async function lockDirectory({ fs, directories, paths }: IdentityDeps): Promise<AsyncDisposable> {
  await fs.makeDirectory(paths.root)
  await directories.sync(dirname(paths.root))
  const lock = await fs.lock(paths.lock)
  if (!lock) throw refusal(`The directory ${paths.root} is in use by another storage node.`)
  return lock
}

/** The node's id, made and kept at the first start. Throws, in one sentence, for a directory that is not to be touched. */
export async function readOrMakeIdentity(deps: IdentityDeps): Promise<ServerId> {
  const { fs, directories, random, paths } = deps
  const known = await readIdentity(fs, paths)
  if (known) return known
  const names = await fs.readDirectory(paths.root)
  if (names.includes('chunks') || names.includes('segments')) {
    throw refusal(
      `The directory ${paths.root} holds chunks but its node.json is missing: restore it, or move them away.`,
    )
  }
  const serverId = makeUuid(random) as ServerId
  const temporary = `${paths.identity}.tmp`
  if (names.includes('node.json.tmp')) await fs.unlink(temporary)
  await writeDurably(
    { fs, directories },
    { temporary, path: paths.identity, bytes: Buffer.from(formatIdentity(serverId)) },
  )
  return serverId
}

async function readIdentity(fs: DiskFs, paths: DiskPaths): Promise<ServerId | undefined> {
  const bytes = await readWhole(fs, paths.identity, IDENTITY_BYTES_MAX).catch((error) => {
    if (isMissing(error)) return 'none' as const
    throw error
  })
  if (bytes === 'none') return undefined
  const identity = parseIdentity(bytes?.toString() ?? '')
  if (identity.kind === 'known') return identity.serverId
  if (identity.kind === 'newer') {
    throw refusal(
      `The directory ${paths.root} was written by a newer version (disk format ${identity.diskFormat}; this one knows ${DISK_FORMAT}).`,
    )
  }
  throw refusal(`The file ${paths.identity} is damaged: restore it; its chunks belong to the server that it names.`)
}

/** RFC 9562, version 4. */
function makeUuid(random: Random): string {
  const bytes = random.bytes(16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

function refusal(sentence: string): ChunkError {
  return new ChunkError('failed', sentence)
}
