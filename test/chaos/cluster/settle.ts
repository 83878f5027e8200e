import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../../../src/base/log.ts'
import type { PartLayout } from '../../../src/base/model.ts'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { createChunkClient } from '../../../src/chunk-client/client.ts'
import { connectMeta } from '../../../src/meta/connect.ts'
import { execute } from '../../support/postgres.ts'
import { whatIsWrong } from '../../support/soundness.ts'
import { sextant } from '../../support/up.ts'
import type { ChaosCluster } from './cluster.ts'

/** Sweeps and repairs have so long, on a busy machine. */
const SETTLE_MS_MAX = 120_000

/**
 * Starts everything anew as if all the times that upkeep waits for had passed, lets it do its work, and answers what is
 * not as it should be then: a chunk of a part missing, rotten or misplaced, or one that nothing refers to.
 */
export async function settle(cluster: ChaosCluster): Promise<string[]> {
  await cluster.restart({ SEXTANT_DOOMED_GRACE_SECONDS: '0', SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5' })
  await passTime(cluster)
  const deadlineMs = performance.now() + SETTLE_MS_MAX
  for (;;) {
    const wrong = await whatIsLeft(cluster)
    if (wrong.length === 0 || performance.now() > deadlineMs) return wrong
    await sleep(1_000)
  }
}

/** The gateways that were killed are long gone, uploads were given up, what was doomed has waited long enough. */
async function passTime({ databaseUrl, gateways }: ChaosCluster): Promise<void> {
  await execute(
    databaseUrl,
    `update upload_sessions set expires_at = now() where kind = 'multipart' and state = 'open'`,
  )
  await execute(
    databaseUrl,
    `update upload_sessions set expires_at = now() where kind = 'gateway' and gateway_session not in
       (select gateway_session from upload_sessions where kind = 'gateway' order by gateway_session desc limit $1)`,
    [gateways.length],
  )
  await execute(databaseUrl, 'update stray_chunks set delete_after = now()')
  await execute(databaseUrl, 'update repair_queue set next_attempt_at = now()')
}

async function whatIsLeft(cluster: ChaosCluster): Promise<string[]> {
  const queues = await execute(
    cluster.databaseUrl,
    `select (select count(*) from doomed_parts) as doomed, (select count(*) from stray_chunks) as strays,
            (select count(*) from repair_queue) as repairs`,
  )
  const waiting = Object.entries(queues[0]!).filter(([, count]) => Number(count) > 0)
  if (waiting.length > 0) return waiting.map(([queue, count]) => `${count} ${queue} still wait`)
  return await inspect(cluster)
}

/** What the store's own check says: tables against each other, rows against nodes, both ways. */
export async function fsck({ directory, databaseUrl, clusterToken }: ChaosCluster): Promise<unknown> {
  const env = {
    DATABASE_URL: databaseUrl,
    SEXTANT_CLUSTER_TOKEN: clusterToken,
    SEXTANT_ALLOW_TOKEN_OVER_NETWORK: 'true',
  }
  const { stdout, stderr } = await sextant(directory, ['fsck', '--json', '--dry-run'], env).ended
  if (stdout === '') throw new Error(`fsck said nothing but ${stderr}`)
  return JSON.parse(stdout)
}

/** Every part's row against every chunk that lies on a node, both ways, each byte verified. */
export async function inspect({ databaseUrl: url, clusterToken }: ChaosCluster): Promise<string[]> {
  const signal = AbortSignal.timeout(SETTLE_MS_MAX)
  const deps = { clock: systemClock, random: systemRandom, log: silentLog }
  await using meta = await connectMeta({ url, ...deps })
  await using watched = await meta.watchCluster({}, signal)
  await using chunks = createChunkClient({ cluster: watched, credentials: { token: clusterToken }, ...deps })
  const rows = await execute(url, 'select * from parts where committed_at is not null')
  const layouts = rows.map(
    (row): PartLayout => ({
      partId: row.part_id as PartLayout['partId'],
      sizeBytes: Number(row.size_bytes),
      blockBytes: Number(row.block_bytes),
      parityChunks: Number(row.parity_chunks),
      servers: row.servers as PartLayout['servers'],
      chunkHashes: row.chunk_hashes as Buffer,
    }),
  )
  const refs = rows.filter(({ refs }) => Number(refs) === 0).map(({ part_id }) => `${part_id} has no reference`)
  return [...refs, ...(await whatIsWrong(chunks, layouts, [...watched.servers().keys()]))]
}
