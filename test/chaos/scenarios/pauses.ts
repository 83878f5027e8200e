import t from 'tap'
import { randomFrom } from '../../../conformance/support/bytes.ts'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import { seed, sized } from '../form.ts'
import { judge } from '../judge.ts'
import { strikeEvery, tally } from '../nemesis/nemesis.ts'
import { pauseAny } from '../nemesis/pause.ts'
import { Clients } from '../workload/run-clients.ts'

const OPERATIONS = sized({ short: 3_000, long: 100_000 })
const WITHIN_MS = sized({ short: 30_000, long: 8 * 3_600_000 })
/** The last is longer than a gateway's session lives without a sign of life, in these clusters. */
const PAUSED_MS = [500, 2_000, 6_000, 25_000]

t.test('processes that sleep and go on where they were do no harm', async (t) => {
  t.comment(`seed ${seed}`)
  await using cluster = await ChaosCluster.start({ env: { SEXTANT_LOCAL_READS: 'false' } })
  using clients = await Clients.open({ cluster, bucket: 'paused', seed, operations: OPERATIONS, withinMs: WITHIN_MS })
  const stop = new AbortController()
  const striking = strikeEvery(500, pauseAny(cluster, PAUSED_MS, randomFrom(seed)), stop.signal)
  await clients.run()
  stop.abort()
  const strikes = await striking
  const runs = `${clients.ledger.answered} operations, ${strikes.length} pauses (${tally(strikes)})`
  t.comment(runs)
  const result = await judge(t, cluster, clients)
  await saveResult({
    name: 'pauses',
    test: 'test/chaos/scenarios/pauses.ts',
    promise: 'A process that slept (SIGSTOP) and goes on (SIGCONT), be it after its session was over, does no harm',
    passed: t.passing(),
    runs,
    result,
  })
})
