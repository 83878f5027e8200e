import t from 'tap'
import { randomFrom } from '../../../conformance/support/bytes.ts'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import { seed, sized } from '../form.ts'
import { judge } from '../judge.ts'
import { killAny } from '../nemesis/kill.ts'
import { strikeEvery, tally } from '../nemesis/nemesis.ts'
import { showThatItCanFail } from '../twins.ts'
import { Clients } from '../workload/run-clients.ts'

/** The short form makes some hundreds in its time. */
const OPERATIONS = sized({ short: 10_000, full: 10_000, long: 200_000 })
const WITHIN_MS = sized({ short: 90_000, full: 2 * 3_600_000, long: 8 * 3_600_000 })
const KILL_EVERY_MS = 2_000
/** Less shows nothing. */
const STRIKES_MIN = 12
const CHANGES_MIN = 150

t.test('a process killed with -9 every 2 s: nothing acknowledged is lost, wrong, undone or left over', async (t) => {
  t.comment(`seed ${seed}`)
  await using cluster = await ChaosCluster.start({
    // One reads chunks past the nodes, as on one host, the others as from other hosts; one remembers nothing.
    gatewayEnv: (number) => ({
      SEXTANT_LOCAL_READS: String(number === 1),
      SEXTANT_CHUNK_CACHE_BYTES: number === 2 ? '0' : '64 MiB',
    }),
  })
  using clients = await Clients.open({ cluster, bucket: 'killed', seed, operations: OPERATIONS, withinMs: WITHIN_MS })
  const { ledger } = clients
  const stop = new AbortController()
  const striking = strikeEvery(KILL_EVERY_MS, killAny(cluster, randomFrom(seed)), stop.signal)
  const startMs = performance.now()
  await clients.run()
  const seconds = Math.round((performance.now() - startMs) / 1000)
  stop.abort()
  const strikes = await striking
  const runs = `${ledger.answered} operations in ${seconds} s, ${strikes.length} strikes (${tally(strikes)})`
  t.comment(runs)

  const result = await judge(t, cluster, clients)
  t.ok(ledger.acknowledged >= CHANGES_MIN, `${ledger.acknowledged} writes and deletes were acknowledged`)
  t.ok(strikes.length >= STRIKES_MIN, `${strikes.length} strikes`)
  await saveResult({
    name: 'kill -9',
    test: 'test/chaos/scenarios/kill.ts',
    promise: 'With a process killed every 2 s, nothing acknowledged is lost, wrong, undone or left over',
    passed: t.passing(),
    runs,
    result,
  })
  await showThatItCanFail(t, cluster)
})
