import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { execute } from '../../support/postgres.ts'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster, type ChaosClusterOptions } from '../cluster/cluster.ts'
import { mayMount, openSmallDisk, type SmallDisk } from '../cluster/small-disk.ts'
import { seed, sized } from '../form.ts'
import { judge } from '../judge.ts'
import { awaitRevival, latest, openProbes } from '../workload/probe.ts'
import { Clients } from '../workload/run-clients.ts'

const bucket = 'disks'
/** How long a disk stays full or read-only while clients go on, in ms. */
const BAD_MS = sized({ short: 4_000, long: 120_000 })
const ALIVE_MS_MAX = 10_000
const ALL_NODES_MS_MAX = 30_000
/** Holds a few hundred objects, and PostgreSQL. */
const NODE_MIB = 96
const POSTGRES_MIB = 400

const skip = (await mayMount()) ? false : 'this machine lets nobody mount a file system'

interface Bad {
  /** What the clients may hear of it: nothing, or an error that is true. */
  statuses: readonly number[]
  /** Which disks, of nodes 1 … and of PostgreSQL. */
  nodes: readonly number[]
  postgres?: true
  how: 'full' | 'read-only'
}

const cases = {
  'the disk of one node is full': { nodes: [1], how: 'full', statuses: [] },
  'the disk of one node turns read-only': { nodes: [1], how: 'read-only', statuses: [] },
  'the disks of all nodes are full': { nodes: [1, 2, 3, 4, 5, 6], how: 'full', statuses: [503, 507] },
  "PostgreSQL's disk is full": { nodes: [], postgres: true, how: 'full', statuses: [503] },
} as const satisfies Record<string, Bad>

for (const [name, bad] of Object.entries(cases) as [keyof typeof cases, Bad][]) {
  t.test(`${name}: a clean error at most, nothing half done, and alive within 10 s`, { skip }, async (t) => {
    t.comment(`seed ${seed}`)
    await using disks = await openDisks(bad)
    await using cluster = await ChaosCluster.start({ gateways: 2, ...disks.options })
    await openProbes(cluster)
    const over = Promise.withResolvers<void>()
    using clients = await Clients.open({
      cluster,
      bucket,
      seed,
      operations: 0,
      until: over.promise,
      clients: 4,
      bytesMax: 400_000,
    })
    const running = clients.run()
    await sleep(2_000)
    for (const disk of disks.all) await (bad.how === 'full' ? disk.fill() : disk.turnReadOnly())
    if (bad.postgres) await keepWithoutSpace(cluster, disks.all[0]!)
    else await sleep(BAD_MS)
    if (bad.how === 'read-only') t.same(await statusesBesideUp(cluster), ['failed'], 'its server counts as failed')
    await heal(cluster, bad, disks.all)
    const { aliveMs, allNodesMs } = latest(
      await Promise.all(cluster.gateways.map((gateway) => awaitRevival(cluster, gateway))),
    )
    over.resolve()
    await running
    const { ledger } = clients
    const refused = `${ledger.failures} operations were refused (${[...ledger.failureStatuses].join(', ') || 'none'})`
    t.comment(refused)
    t.ok(aliveMs <= ALIVE_MS_MAX, `alive after ${aliveMs} ms`)
    t.ok(allNodesMs <= ALL_NODES_MS_MAX, `every node is written to after ${allNodesMs} ms`)
    const unclean = [...ledger.failureStatuses].filter((status) => !bad.statuses.includes(status))
    t.equal(ledger.failures > 0, bad.statuses.length > 0, 'the fault was felt by clients, or was not, as it should be')
    t.same(unclean, [], `clients heard of nothing but ${bad.statuses.join(' and ') || 'success'}`)
    const result = await judge(t, cluster, clients)
    await saveResult({
      name,
      test: 'test/chaos/scenarios/disks.ts',
      promise: `When ${name}: a clean error at most, nothing half done, and alive within 10 s of the end of it`,
      passed: t.passing(),
      runs: `${ledger.answered} operations, ${BAD_MS / 1000} s without the disk`,
      result: `${refused}; alive after ${aliveMs} ms, every node in use after ${allNodesMs} ms; ${result}`,
    })
  })
}

async function openDisks({ nodes, postgres }: Bad) {
  await using unlessDone = new AsyncDisposableStack()
  const stack = unlessDone.use(new AsyncDisposableStack())
  const ofNode = new Map<number, SmallDisk>()
  for (const number of nodes) ofNode.set(number, stack.use(await openSmallDisk({ mib: NODE_MIB })))
  const ofPostgres = postgres && stack.use(await openSmallDisk({ mib: POSTGRES_MIB }))
  const options: ChaosClusterOptions = {
    nodeDirectory: (number) => ofNode.get(number)?.directory,
    ...(ofPostgres && { postgresDirectory: ofPostgres.directory }),
  }
  unlessDone.move()
  const all = [...ofNode.values(), ...(ofPostgres ? [ofPostgres] : [])]
  return { options, all, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Whatever PostgreSQL gives back when it starts again is taken too: else it would be back at once, and nobody feel a thing. */
async function keepWithoutSpace({ databaseUrl }: ChaosCluster, disk: SmallDisk): Promise<void> {
  await useUpWriteAheadLog(databaseUrl)
  for (const endMs = performance.now() + BAD_MS; performance.now() < endMs; ) {
    await disk.fill()
    await useUpWriteAheadLog(databaseUrl)
    await sleep(100)
  }
}

/** PostgreSQL keeps files of its log for later: those are written full first. Then it ends, and cannot start again. */
async function useUpWriteAheadLog(databaseUrl: string): Promise<void> {
  for (let mib = 0; mib < POSTGRES_MIB; mib += 4) {
    const isWritten = await execute(databaseUrl, `select pg_logical_emit_message(true, '', repeat('x', 4194304))`).then(
      () => true,
      () => false,
    )
    if (!isWritten) return
  }
  throw new Error('PostgreSQL goes on writing to a disk that is full')
}

async function statusesBesideUp({ databaseUrl }: ChaosCluster): Promise<unknown[]> {
  const rows = await execute(databaseUrl, `select status from storage_servers where status <> 'up'`)
  return rows.map(({ status }) => status)
}

/** A full disk needs nothing but space. One that turned read-only must be mended, and for that its process be stopped. */
async function heal(cluster: ChaosCluster, { nodes, how }: Bad, disks: readonly SmallDisk[]): Promise<void> {
  for (const [index, disk] of disks.entries()) {
    if (how === 'full') {
      await disk.free()
      continue
    }
    const member = cluster.nodes[nodes[index]! - 1]!
    await member.stop()
    await disk.mend()
    await member.start()
  }
}
