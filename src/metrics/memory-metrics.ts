import type { ServerNumber } from '../base/ids.ts'
import type { RepairCatalogue } from '../upkeep/ports/repair.ts'
import { type Family, family, inGroup, single } from './metric.ts'
import { Counts } from './tally.ts'

const { counter, gauge } = inGroup('Inside a gateway')

export const memoryMetrics = {
  pool: gauge({
    name: 'sextant_stripe_pool_bytes',
    labels: ['use'],
    about: 'Memory for what is under way that is taken: `uploads`, `downloads`.',
  }),
  poolMax: gauge({ name: 'sextant_stripe_pool_bytes_max', about: 'What there is of it: SEXTANT_STRIPE_POOL_BYTES.' }),
  poolWaiting: gauge({ name: 'sextant_stripe_pool_waiting', about: 'Uploads that wait for some of it.' }),
  cache: gauge({ name: 'sextant_chunk_cache_bytes', about: 'Small parts that are kept in memory.' }),
  hedges: counter({
    name: 'sextant_hedged_stripes_total',
    labels: ['outcome'],
    about:
      'Stripes whose chunks came late, so that parity was asked for as well: it was there first (won), or not (lost).',
  }),
  damaged: counter({
    name: 'sextant_damaged_chunks_total',
    labels: ['server'],
    about:
      'Chunks that reads found missing or rotten, and that were put on the repair queue. One that is still so after a minute counts again. What scrub found: sextant_scrub_damaged_chunks.',
  }),
} as const

/** What the inside of a gateway tells when it is asked. */
export interface MemorySource {
  pool: { usedBytes: number; lentBytes: number; waiting: number }
  poolBytesMax: number
  chunkCache: { usedBytes: number }
  hedging: { counts: { hedged: number; won: number } }
}

export function collectMemory({ pool, poolBytesMax, chunkCache, hedging }: MemorySource): Family[] {
  const { hedged, won } = hedging.counts
  return [
    family(memoryMetrics.pool, [
      [['uploads'], pool.usedBytes],
      [['downloads'], pool.lentBytes],
    ]),
    single(memoryMetrics.poolMax, poolBytesMax),
    single(memoryMetrics.poolWaiting, pool.waiting),
    single(memoryMetrics.cache, chunkCache.usedBytes),
    family(memoryMetrics.hedges, [
      [['won'], won],
      [['lost'], hedged - won],
    ]),
  ]
}

type DamageQueue = Pick<RepairCatalogue, 'queueDamage'>

/** Counts damage that is queued for repair. */
export class DamageCounter {
  readonly #servers = new Counts()

  metered(catalogue: DamageQueue): DamageQueue {
    return {
      queueDamage: async (damages, signal) => {
        const queued = await catalogue.queueDamage(damages, signal)
        for (const { server } of damages) this.#servers.add(String(server))
        return queued
      },
    }
  }

  /** Of each server from the start: of a series that begins with its first damage, Prometheus sees no increase. */
  collect(servers: Iterable<ServerNumber>): Family[] {
    for (const server of servers) this.#servers.add(String(server), 0)
    return [
      family(
        memoryMetrics.damaged,
        Array.from(this.#servers.entries(), ([server, count]) => [[server], count] as const),
      ),
    ]
  }
}
