import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makePartId, type PartId } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { createChunkClient } from '../../src/chunk-client/client.ts'
import type { Catalogue } from '../../src/engine/ports/catalogue.ts'
import type { ChunkStore } from '../../src/engine/ports/chunk-store.ts'
import type { ClusterView } from '../../src/engine/ports/cluster.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import type { OwnStore } from './target.ts'

/** A store's nodes and its database without a gateway before them, through a gateway's own clients. */
export interface Inside {
  catalogue: Catalogue
  chunks: ChunkStore
  cluster: ClusterView
  newPartId(): PartId
}

const SESSION_TTL_MS = 86_400_000

export async function openInside({ directory, databaseUrl: url }: OwnStore): Promise<Inside & AsyncDisposable> {
  await using opened = new AsyncDisposableStack()
  const { signal } = new AbortController()
  const [clock, random, log] = [systemClock, systemRandom, silentLog]
  const token = readFileSync(join(directory, 'secrets', 'cluster-token'), 'utf8').trim()
  const meta = opened.use(await connectMeta({ url, clock, random, log }))
  const cluster = opened.use(await meta.watchCluster({}, signal))
  const { session } = await meta.openGatewaySession({ ttlMs: SESSION_TTL_MS }, signal)
  const chunks = opened.use(createChunkClient({ cluster, credentials: { token }, clock, log }))
  const owned = opened.move()
  return {
    catalogue: meta.catalogue,
    chunks,
    cluster,
    newPartId: () => makePartId(clock.nowMs(), { a: random.integer(0x1000), b: random.integer(0x4000_0000) }, session),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
