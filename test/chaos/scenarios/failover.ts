import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { CountedWrites } from '../../ha/counted-writes.ts'
import { type Fault, hangEtcdLeader, hangHost, hangPatroni, killPostgres, loseHost } from '../../ha/faults.ts'
import { MetadataCluster } from '../../ha/metadata-cluster.ts'
import { Outages } from '../../ha/outages.ts'
import { startStore } from '../../ha/start-store.ts'
import { saveResult } from '../../support/reliability.ts'
import { eventually } from '../../support/store.ts'
import { seed, sized } from '../form.ts'
import { judge } from '../judge.ts'
import { Clients, s3Client } from '../workload/run-clients.ts'

const FAULTS = sized({
  short: [killPostgres, hangHost, hangEtcdLeader],
  long: Array.from({ length: 20 }, () => [killPostgres, loseHost, hangHost, hangPatroni, hangEtcdLeader]).flat(),
})
const GATEWAYS = 2
/** Lease, election and recovery take about 25 s; the rest is for a busy machine. */
const RECOVERY_MS_MAX = 120_000
/** How long a fault lasts beyond the recovery, and how long its end is watched: old and new primary are both there then. */
const BOTH_MS = 5_000

t.test('the metadata primary killed, lost with its host, or hung: nothing acknowledged is lost', async (t) => {
  t.comment(`seed ${seed}`)
  await using metadata = await MetadataCluster.start()
  await using cluster = await startStore(metadata, GATEWAYS)
  const { promise: until, resolve: stop } = Promise.withResolvers<void>()
  using clients = await Clients.open({ cluster, bucket: 'failover', seed, operations: 0, until })
  const { ledger } = clients
  const direct = cluster.gateways.map((gateway) => s3Client(cluster, gateway))
  const writes = await CountedWrites.start(direct, 4)
  const recovered: { name: string; ms: number }[] = []
  const running = clients.run()
  try {
    using outages = new Outages(ledger)
    for (const fault of FAULTS) {
      const ms = await failOver(fault, { metadata, ledger, outages })
      recovered.push({ name: fault.name, ms })
      t.comment(`${fault.name}: no write for ${seconds(ms)} s`)
    }
  } finally {
    stop()
    await Promise.all([running, writes.stop()])
  }
  const runs = `${ledger.answered} operations through ${GATEWAYS} gateways, ${FAULTS.length} faults`
  const result = await judge(t, cluster, clients)
  const counted = await writes.count()
  t.equal(counted.lost, 0, `none of ${counted.acknowledged} new objects is lost`)
  t.ok(counted.acknowledged > FAULTS.length * 30)
  t.ok(ledger.acknowledged > FAULTS.length * 30, `${ledger.acknowledged} writes and deletes were acknowledged`)
  await saveResult({
    name: 'PostgreSQL failover',
    test: 'test/chaos/scenarios/failover.ts',
    promise:
      'With the metadata primary killed, lost or hung (deploy/ha), nothing acknowledged is lost, and nothing old is read',
    passed: t.passing(),
    runs,
    result: `${result}; ${counted.lost} of ${counted.acknowledged} new objects lost; no write was acknowledged for: ${summary(recovered)}`,
  })
})

interface UnderLoad {
  metadata: MetadataCluster
  ledger: { acknowledged: number }
  outages: Outages
}

/** One fault from whole to whole; answers for how long no write was acknowledged, in ms. */
async function failOver(fault: Fault, { metadata, ledger, outages }: UnderLoad): Promise<number> {
  await metadata.whole()
  const before = (await metadata.primary())!
  outages.begin()
  const undo = await fault.strike(metadata)
  if (fault.movesPrimary) {
    await eventually(`${fault.name}: another host leads`, RECOVERY_MS_MAX, async () => {
      const primary = await metadata.primary()
      return primary !== undefined && primary !== before
    })
  }
  const { acknowledged } = ledger
  await eventually(`${fault.name}: writes go on`, RECOVERY_MS_MAX, async () => ledger.acknowledged > acknowledged + 10)
  const ms = outages.longestMs
  await sleep(BOTH_MS)
  await undo()
  await sleep(BOTH_MS)
  return ms
}

/** `PostgreSQL killed 4.1-5.2 s, host lost 21.0 s`. */
function summary(recovered: readonly { name: string; ms: number }[]): string {
  const names = [...new Set(recovered.map(({ name }) => name))]
  const told = names.map((name) => {
    const times = recovered.filter((one) => one.name === name).map(({ ms }) => ms)
    const [least, most] = [seconds(Math.min(...times)), seconds(Math.max(...times))]
    return `${name} ${least === most ? least : `${least}-${most}`} s`
  })
  return told.join(', ')
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1)
}
