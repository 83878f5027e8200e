import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { StoreDescription } from './describe-store.ts'

/** What lies in a release's directory of test/corpus. */
export const corpora = fileURLToPath(new URL('.', import.meta.url))
const tar = promisify(execFile)

export interface CorpusFiles {
  /** Secrets and the nodes' directories. */
  store: string
  /** All rows of the database, as SQL. */
  metadata: string
  expected: string
}

export interface Expected {
  release: string
  /** What the store needs besides its secrets to be read, and an access key of an account of its own. */
  customerKey: string
  kmsKeys: string
  accessKeyId: string
  secretAccessKey: string
  store: StoreDescription
}

export function filesOf(release: string): CorpusFiles {
  const at = (name: string) => join(corpora, release, name)
  return { store: at('store.tar.gz'), metadata: at('metadata.sql'), expected: at('expected.json') }
}

/** What is made anew at every start is left away. */
export async function pack(directory: string, file: string): Promise<void> {
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0', '--sparse']
  await tar('tar', ['-C', directory, ...same, '-czf', file, 'secrets', 'nodes'], {
    env: { ...process.env, GZIP: '-9' },
  })
}

export async function unpack(file: string, directory: string): Promise<void> {
  await tar('tar', ['-C', directory, '-xzf', file, '--no-same-owner'])
}
