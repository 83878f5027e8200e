import { X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writePrivately } from '../files.ts'
import type { Issued } from './issue.ts'

/** Private keys lie beside them: nobody but the owner has any business there. */
const DIRECTORY_MODE = 0o700

export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
}

/** Both of a pair, the key first: a process that looks in between keeps what it has. */
export async function writePair(directory: string, name: string, { cert, key }: Issued): Promise<void> {
  await writePrivately(join(directory, `${name}.key`), key)
  await writePrivately(join(directory, `${name}.crt`), cert)
}

/** Undefined: there is none. */
export async function readCertificate(path: string): Promise<X509Certificate | undefined> {
  const pem = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return pem === undefined ? undefined : new X509Certificate(pem)
}
