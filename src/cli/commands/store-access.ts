import { resolve } from 'node:path'
import { readSettings, type Settings } from '../../base/config.ts'
import { processConfig } from '../../base/config-env.ts'
import { StoreFault } from '../../base/faults.ts'
import { makeLog, silentLog } from '../../base/log.ts'
import { systemClock, systemRandom } from '../../base/system.ts'
import { type ChunkClient, createChunkClient } from '../../chunk-client/client.ts'
import { connectMeta, type Meta, type WatchedCluster } from '../../meta/connect.ts'
import { CommandFailure, messageOf } from '../failure.ts'
import { checkSchema } from '../processes/check-schema.ts'
import { openClusterCredentials } from '../processes/cluster-credentials.ts'
import { findClusterToken, findSealingKey } from '../secrets-at-hand.ts'
import { readStoreFile } from '../store-file.ts'
import { dataPaths } from '../up/data-paths.ts'

const COMMAND_MS_MAX = 30_000

/**
 * Runs `work` on the metadata of the store that DATABASE_URL names, or that runs on the data directory. What it refuses
 * becomes a CommandFailure.
 */
export async function withMeta<T>(
  work: (meta: Meta, signal: AbortSignal) => Promise<T>,
  { needsSealingKey = false, msMax = COMMAND_MS_MAX } = {},
): Promise<T> {
  const settings = readSettings(processConfig())
  const log = makeLog(settings.logLevel, { process: 'command' })
  const url = findDatabase(settings)
  const sealingKey = needsSealingKey ? await needSealingKey(settings) : undefined
  await checkSchema(url, ['newer', 'older', 'none'])
  const { readReplicaUrl: replicaUrl, readReplicaLagMs: replicaLagMsMax } = settings
  const old = { replicaUrl, settings: { replicaLagMsMax } }
  try {
    await using meta = await connectMeta({ url, sealingKey, clock: systemClock, random: systemRandom, log, ...old })
    return await work(meta, AbortSignal.timeout(msMax))
  } catch (error) {
    if (error instanceof StoreFault) throw new CommandFailure(messageOf(error), { cause: error })
    throw error
  }
}

export interface OpenStore {
  meta: Meta
  cluster: WatchedCluster
  chunks: ChunkClient
}

/** Runs `work`, however long it takes, on metadata and storage nodes. What it refuses becomes a CommandFailure. */
export function withStore<T>(work: (store: OpenStore, signal: AbortSignal) => Promise<T>): Promise<T> {
  const settings = readSettings(processConfig())
  return withMeta(async (meta) => {
    const { signal } = new AbortController()
    using credentials = await openClusterCredentials({ settings, clock: systemClock, log: silentLog }, findClusterToken)
    await using cluster = await meta.watchCluster({ refreshMs: settings.ringRefreshMs }, signal)
    // Whoever asks is told by what the command prints which servers do not answer.
    await using chunks = createChunkClient({ cluster, credentials, clock: systemClock, log: silentLog })
    return await work({ meta, cluster, chunks }, signal)
  })
}

function findDatabase(settings: Settings): string {
  const root = resolve(settings.dataDirectory)
  const url = settings.databaseUrl ?? readStoreFile(dataPaths(root).run)?.databaseUrl
  if (url !== undefined) return url
  throw new CommandFailure(
    `No store runs on the data directory ${root}: start it by \`sextant up\`, or name its database by DATABASE_URL.`,
  )
}

export async function needSealingKey(settings: Settings): Promise<Buffer> {
  const { file, key } = await findSealingKey(settings)
  if (key) return key
  throw new CommandFailure(
    `The sealing key is neither in ${file} nor in SEXTANT_SEALING_KEY: without it no key can be made or opened.`,
  )
}
