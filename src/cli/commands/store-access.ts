import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readSettings, type Settings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { StoreFault } from '../../base/faults.ts'
import { makeLog } from '../../base/log.ts'
import { systemClock, systemRandom } from '../../base/system.ts'
import { connectMeta, type Meta } from '../../meta/connect.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import { readStoreFile } from '../store-file.ts'
import { dataPaths } from '../up/data-paths.ts'

const COMMAND_MS_MAX = 30_000

/**
 * Runs `work` on the metadata of the store that DATABASE_URL names, or that runs on the data directory. What it refuses
 * becomes a CommandFailure.
 */
export async function withMeta<T>(
  work: (meta: Meta, signal: AbortSignal) => Promise<T>,
  { needsSealingKey = false } = {},
): Promise<T> {
  const settings = readSettings(processConfig())
  const log = makeLog(settings.logLevel, { process: 'command' })
  const url = findDatabase(settings)
  const sealingKey = needsSealingKey ? await findSealingKey(settings) : undefined
  try {
    await using meta = await connectMeta({ url, sealingKey, clock: systemClock, random: systemRandom, log })
    return await work(meta, AbortSignal.timeout(COMMAND_MS_MAX))
  } catch (error) {
    if (error instanceof StoreFault) throw new CommandFailure(messageOf(error), { cause: error })
    throw error
  }
}

function findDatabase(settings: Settings): string {
  const root = resolve(settings.dataDirectory)
  const url = settings.databaseUrl ?? readStoreFile(dataPaths(root).run)?.databaseUrl
  if (url !== undefined) return url
  throw new CommandFailure(
    `No store runs on the data directory ${root}: start it by \`sextant up\`, or name its database by DATABASE_URL.`,
  )
}

async function findSealingKey(settings: Settings): Promise<Buffer> {
  if (settings.sealingKey) return settings.sealingKey
  const file = join(dataPaths(resolve(settings.dataDirectory)).secrets, 'sealing-key')
  const coded = await readFile(file, 'utf8').catch(() => '')
  const key = Buffer.from(coded.trim(), 'hex')
  if (key.length === 32) return key
  throw new CommandFailure(
    `The sealing key is neither in ${file} nor in SEXTANT_SEALING_KEY: without it no key can be made.`,
  )
}
