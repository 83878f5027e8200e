import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Settings } from '../base/config.ts'
import { CommandFailure } from './failure.ts'
import { dataPaths } from './up/data-paths.ts'
import { parseRoot, type RootCredentials, rootFromSettings } from './up/secrets.ts'

/** A secret that `sextant up` has made, and the file where it should be; '' where there is none. */
export async function readSecret(
  { dataDirectory }: Pick<Settings, 'dataDirectory'>,
  name: 'cluster-token' | 'sealing-key',
): Promise<{ file: string; content: string }> {
  const file = join(dataPaths(resolve(dataDirectory)).secrets, name)
  const content = await readFile(file, 'utf8').catch(() => '')
  return { file, content: content.trim() }
}

/** From the environment, or from the data directory; undefined: neither has one. `file`: where it should be. */
export async function findSealingKey(settings: Settings): Promise<{ file: string; key: Buffer | undefined }> {
  const { file, content } = await readSecret(settings, 'sealing-key')
  const kept = Buffer.from(content, 'hex')
  return { file, key: settings.sealingKey ?? (kept.length === 32 ? kept : undefined) }
}

/** From the environment, or from the data directory. CommandFailure: neither has one. */
export async function findClusterToken(settings: Settings): Promise<string> {
  if (settings.clusterToken !== undefined) return settings.clusterToken
  const { file, content } = await readSecret(settings, 'cluster-token')
  if (content !== '') return content
  throw new CommandFailure(
    `The cluster token is neither in ${file} nor in SEXTANT_CLUSTER_TOKEN: without it no storage node answers.`,
  )
}

/** Root's keys: from the environment, or from the data directory. Fault: CommandFailure. */
export async function findRootCredentials(settings: Settings): Promise<RootCredentials> {
  const given = rootFromSettings(settings)
  if (given) return given
  const file = join(dataPaths(resolve(settings.dataDirectory)).secrets, 'root-credentials.json')
  const content = await readFile(file, 'utf8').catch(() => undefined)
  if (content !== undefined) return parseRoot(file, content)
  throw new CommandFailure(
    `The keys of the store's root are neither in ${file} nor in SEXTANT_ROOT_ACCESS_KEY_ID and SEXTANT_ROOT_SECRET_ACCESS_KEY.`,
  )
}
