import type { ServerNumber } from '../../base/ids.ts'
import { createChunkClient } from '../../chunk-client/client.ts'
import { defaultChecksumType, multipartChecksum } from '../../engine/composite.ts'
import { hashChunks } from '../../engine/hash-chunks.ts'
import { connectMeta, type WatchedCluster } from '../../meta/connect.ts'
import { NotEmptyError, openRebuild } from '../../meta/rebuild-catalogue.ts'
import { StripePool } from '../../striping/stripe-pool.ts'
import type { SummedUpload } from '../../upkeep/ports/rebuild.ts'
import { type RebuildReport, rebuildCatalogue } from '../../upkeep/rebuild/rebuild-catalogue.ts'
import type { CommandDeps } from '../command-deps.ts'
import { asFailure, CommandFailure } from '../failure.ts'
import { type NodesOnly, openNodes } from './open-nodes.ts'

/**
 * Makes an empty database the catalogue of what the storage nodes have. `completesUploads`: also of uploads that may have
 * been under way. CommandFailure; the database is then as it was.
 */
export async function rebuild(
  { completesUploads }: { completesUploads: boolean },
  deps: CommandDeps,
): Promise<RebuildReport> {
  const { settings, clock, random, log, signal, progress } = deps
  await using nodes = await openNodes(deps)
  const { databaseUrl: url, credentials } = nodes
  try {
    await using catalogue = await openRebuild(url)
    await using meta = await connectMeta({ url, clock, random, log })
    await using cluster = await meta.watchCluster({}, signal)
    const servers = await waitForServers(cluster, nodes, deps)
    await using chunks = createChunkClient({ cluster, credentials, clock, log })
    const { stripePoolBytes: bytesMax, messageChunkBytesMax } = settings
    const pool = new StripePool({ bytesMax })
    const reading = { chunks, pool, log, damage: { reportDamage: () => {} }, settings: { messageChunkBytesMax } }
    return await rebuildCatalogue(
      {
        catalogue,
        chunks,
        hashChunks: (layout, asked) => hashChunks(reading, layout, asked),
        checksumOf,
        progress,
        log,
      },
      {
        servers,
        region: settings.region,
        // A sweep every few minutes aborts what is over: an hour is room enough for it.
        uploadTtlMs: completesUploads ? 0 : settings.uploadTtlMs + HOUR_MS,
      },
      signal,
    )
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof NotEmptyError) throw new CommandFailure(error.message, { cause: error })
    throw asFailure('The catalogue was not rebuilt, and the database is empty still', error)
  }
}

const HOUR_MS = 3_600_000
const SERVERS_MS_MAX = 30_000
const LOOK_MS = 100

/** All that are registered; ours, once all have come. */
async function waitForServers(
  cluster: WatchedCluster,
  { nodes }: NodesOnly,
  { clock, signal }: CommandDeps,
): Promise<ServerNumber[]> {
  const deadlineMs = clock.nowMs() + SERVERS_MS_MAX
  for (;;) {
    await cluster.refresh(signal)
    const servers = [...cluster.servers().values()].filter(({ status }) => status !== 'removed')
    if (servers.length > 0 && servers.length >= (nodes ?? 0)) return servers.map(({ number }) => number)
    if (clock.nowMs() > deadlineMs) {
      throw new CommandFailure(
        `Only ${servers.length} storage nodes have made themselves known to this database: start them all, and try again.`,
      )
    }
    await clock.sleep(LOOK_MS, signal)
  }
}

/** As the upload would have had it without a wish of its own: what type it was created with, no chunk tells. */
async function checksumOf({ parts }: SummedUpload) {
  const algorithm = parts[0]?.checksum?.algorithm
  return algorithm && (await multipartChecksum(algorithm, defaultChecksumType(algorithm), parts))
}
