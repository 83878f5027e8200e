import type { Test } from 'tap'
import type { ChaosCluster } from './cluster/cluster.ts'
import { fsck, settle } from './cluster/settle.ts'
import type { Clients } from './workload/run-clients.ts'

/** However much is still being started again. */
const READABLE_MS_MAX = 60_000

/**
 * What must hold after any fault, once it is over: every key's history has an order, no answer was wrong, and, when
 * upkeep has done its work, every chunk of every part is where it should be and nothing else is anywhere. All is read
 * before that and after. Answers the numbers, in words.
 */
export async function judge(t: Test, cluster: ChaosCluster, clients: Clients): Promise<string> {
  const { ledger } = clients
  t.comment(ledger.describe())
  await cluster.serving()
  await clients.readAll(READABLE_MS_MAX)
  const left = await settle(cluster)
  await clients.readAll(READABLE_MS_MAX)
  const violations = ledger.violations()
  t.same(violations, [], 'every key is linearizable: reads, lists, conditions, and what is there at the end')
  t.same(ledger.faults, [], 'no wrong byte, and no good request called bad')
  t.same(left, [], 'every chunk of every part is where it should be, and nothing else is anywhere')
  t.match(await fsck(cluster), { ok: true, orphans: { chunks: 0 } }, 'and `sextant fsck` says the same')
  return `${ledger.acknowledged} acknowledged changes: ${violations.length} keys not linearizable, ${ledger.faults.length} wrong answers, ${left.length} chunks lost or left over`
}
