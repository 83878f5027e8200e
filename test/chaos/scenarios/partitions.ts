import t from 'tap'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import type { CuttableNetwork } from '../cluster/cuttable.ts'
import { mayMakeNamespaces, openNamespaces } from '../cluster/namespaces.ts'
import { openProxies } from '../cluster/proxies.ts'
import { seed, sized } from '../form.ts'
import { judge } from '../judge.ts'
import { type Cut, cutFor, describeCut } from '../nemesis/cut.ts'
import { awaitRevival, latest, openProbes, type Revival } from '../workload/probe.ts'
import { Clients } from '../workload/run-clients.ts'

const GATEWAYS = 2
const NODES = 6
const bucket = 'cut'
/** How long a cut holds: shorter and longer than what gives a connection up. */
const HELD_MS = sized({ short: [3_000, 9_000], long: [1_000, 4_000, 12_000, 20_000, 45_000] })
const ROUNDS = sized({ short: 1, long: 20 })
/** After healing, every gateway takes and serves whole objects within this time … */
const ALIVE_MS_MAX = 10_000
/** … and uses every node within this. */
const ALL_NODES_MS_MAX = 30_000

const gateways = Array.from({ length: GATEWAYS }, (_, n) => `gateway ${n + 1}`)
const nodes = Array.from({ length: NODES }, (_, n) => `storage node ${n + 1}`)
const cuts: readonly Cut[] = [
  { pairs: [['gateway 1', 'storage node 1']], way: 'both ways' },
  { pairs: gateways.map((gateway) => [gateway, 'storage node 2'] as const), way: 'there' },
  { pairs: gateways.map((gateway) => [gateway, 'storage node 3'] as const), way: 'back' },
  { pairs: [['gateway 1', 'PostgreSQL']], way: 'both ways' },
  { pairs: [['gateway 2', 'PostgreSQL']], way: 'there' },
  { pairs: [['gateway 1', 'PostgreSQL']], way: 'back' },
  { pairs: nodes.map((node) => [node, 'PostgreSQL'] as const), way: 'both ways' },
  { pairs: nodes.slice(0, 3).map((node) => ['gateway 2', node] as const), way: 'both ways' },
]

/** Where this machine lets us: real interfaces, real retransmissions. Otherwise, and in the long form too, proxies. */
const hasNamespaces = await mayMakeNamespaces()
type Kind = 'network namespaces' | 'proxies'
const networks: { [K in Kind]?: () => Promise<CuttableNetwork> } = {
  ...(hasNamespaces && { 'network namespaces': () => openNamespaces({ gateways: GATEWAYS, nodes: NODES }) }),
  ...(sized({ short: !hasNamespaces, long: true }) && {
    proxies: () => openProxies({ gateways: GATEWAYS, nodes: NODES }),
  }),
}

for (const [name, openNetwork] of Object.entries(networks) as [Kind, () => Promise<CuttableNetwork>][]) {
  t.test(`partitions (${name}): nothing is lost, and all live again within 10 s`, async (t) => {
    t.comment(`seed ${seed}`)
    await using cluster = await ChaosCluster.start({ gateways: GATEWAYS, nodes: NODES, network: await openNetwork() })
    await openProbes(cluster)
    const over = Promise.withResolvers<void>()
    using clients = await Clients.open({ cluster, bucket, seed, operations: 0, until: over.promise, clients: 4 })
    const running = clients.run()
    const revivals: Revival[] = []
    let heldMs = 0
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, cut] of cuts.entries()) {
        const ms = HELD_MS[(index + round) % HELD_MS.length]!
        await cutFor(cluster.network as CuttableNetwork, cut, ms)
        heldMs += ms
        const after = latest(await Promise.all(cluster.gateways.map((gateway) => awaitRevival(cluster, gateway))))
        const times = `alive after ${after.aliveMs} ms, all nodes in use after ${after.allNodesMs} ms`
        const isSoon = after.aliveMs <= ALIVE_MS_MAX && after.allNodesMs <= ALL_NODES_MS_MAX
        t.ok(isSoon, `${describeCut(cut)} for ${ms} ms: ${times}`)
        revivals.push(after)
      }
    }
    over.resolve()
    await running
    const result = await judge(t, cluster, clients)
    await saveResult({
      name: `partitions, ${name}`,
      test: 'test/chaos/scenarios/partitions.ts',
      promise: 'Whoever does not hear whom, nothing is lost or wrong, and all live within 10 s of healing',
      passed: t.passing(),
      runs: `${ROUNDS * cuts.length} cuts, ${heldMs / 1000} s in all, under ${clients.ledger.answered} operations`,
      result: `alive after ${latest(revivals).aliveMs} ms at most, all nodes in use after ${latest(revivals).allNodesMs} ms; ${result}`,
    })
  })
}
