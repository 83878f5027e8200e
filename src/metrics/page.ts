import { basename } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { deadline } from '../base/deadline.ts'
import { type FamilyGroup, writeExposition } from './exposition.ts'
import { askFamilies, type Collect } from './peers.ts'
import { collectProcesses, collectStore, type StoreSource } from './store-metrics.ts'

export interface PageDeps {
  /** What this process is called in the label `process`. */
  process: string
  collect: Collect
  /** Absent: this process tells of itself alone. */
  store?: StoreSource
  /** Sockets of the other processes of this host that tell through this one; each is called as its file, without the ending. */
  peers: readonly string[]
  clock: Clock
}

/** How long the database may take: Prometheus gives up after 10 s by default. */
const STORE_MS_MAX = 4_000

/** Answers /metrics. Whoever asks while it is made gets the same page: a scrape costs the same, whoever asks. */
export function createMetricsPage(deps: PageDeps): () => Promise<string> {
  let making: Promise<string> | undefined
  return () => {
    making ??= makePage(deps).finally(() => {
      making = undefined
    })
    return making
  }
}

async function makePage({ process, collect, store, peers, clock }: PageDeps): Promise<string> {
  using limit = deadline(clock, STORE_MS_MAX)
  const [own, ofStore, ofPeers] = await Promise.all([
    collect(),
    store ? collectStore(store, limit.signal) : [],
    Promise.all(peers.map(async (path) => ({ name: basename(path, '.sock'), families: await askFamilies(path) }))),
  ])
  const isUp = ofPeers.map(({ name, families }) => [name, families !== undefined] as const)
  const groups: FamilyGroup[] = [
    { labels: {}, families: [...ofStore, ...collectProcesses([[process, true], ...isUp])] },
    { labels: { process }, families: own },
    ...ofPeers.map(({ name, families }) => ({ labels: { process: name }, families: families ?? [] })),
  ]
  return writeExposition(groups)
}
