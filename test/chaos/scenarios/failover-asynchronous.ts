import { setTimeout as sleep } from 'node:timers/promises'
import type { S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import { type Count, CountedWrites } from '../../ha/counted-writes.ts'
import { MetadataCluster } from '../../ha/metadata-cluster.ts'
import { startStore } from '../../ha/start-store.ts'
import { saveResult } from '../../support/reliability.ts'
import { eventually } from '../../support/store.ts'
import { sized } from '../form.ts'
import { s3Client } from '../workload/run-clients.ts'

/**
 * What deploy/ha would lose without synchronous replication, and that the count of it can fail at all: the same rounds, with
 * and without. In some the network to the standbys stalls for a moment before the primary dies, as networks do; then
 * the one must wait, and the other acknowledges what nobody else has.
 */
const ROUNDS = sized({ short: 2, long: 20 })
const WRITERS = 16
const WRITE_MS = 3_000
const STALL_MS = 1_000

t.test('acknowledged writes that a failover loses, with synchronous replication and without', async (t) => {
  await using metadata = await MetadataCluster.start()
  await using cluster = await startStore(metadata, 1)
  const client = s3Client(cluster, cluster.gateways[0]!)

  const synchronous = await countLost({ metadata, client, stallMs: STALL_MS })
  t.ok(synchronous.acknowledged > 0, `${synchronous.acknowledged} acknowledged with synchronous replication`)
  t.equal(synchronous.lost, 0, 'with synchronous replication, and a stall: none is lost')

  await metadata.configure({ synchronous_mode: false, synchronous_mode_strict: false })
  await metadata.whole({ isSynchronous: false })
  const stalled = await countLost({ metadata, client, stallMs: STALL_MS, isSynchronous: false })
  t.ok(stalled.lost > 0, `without, and a stall: ${stalled.lost} of ${stalled.acknowledged} are lost`)
  const plain: Count[] = []
  for (let round = 0; round < ROUNDS; round++) {
    plain.push(await countLost({ metadata, client, stallMs: 0, isSynchronous: false }))
  }
  t.comment(`without, and no stall: ${plain.map(({ lost, acknowledged }) => `${lost} of ${acknowledged}`).join(', ')}`)

  const sum = (key: keyof Count) => plain.reduce((total, count) => total + count[key], 0)
  await saveResult({
    name: 'PostgreSQL failover, asynchronous',
    test: 'test/chaos/scenarios/failover-asynchronous.ts',
    promise: 'What deploy/ha would lose with synchronous replication off: the price of that, not a promise',
    passed: t.passing(),
    runs: `${ROUNDS} kills of the primary under load, and two with replication stalled for ${STALL_MS / 1000} s before`,
    result: `asynchronous: ${sum('lost')} of ${sum('acknowledged')} acknowledged writes lost, stalled ${stalled.lost} of ${stalled.acknowledged}; synchronous, stalled: ${synchronous.lost} of ${synchronous.acknowledged}`,
  })
})

interface Round {
  metadata: MetadataCluster
  client: S3Client
  stallMs: number
  isSynchronous?: boolean
}

/** Writes until the primary is killed, then looks which of the acknowledged ones the next one knows. */
async function countLost({ metadata, client, stallMs, isSynchronous = true }: Round): Promise<Count> {
  await metadata.whole({ isSynchronous })
  const primary = (await metadata.primary())!
  const writes = await CountedWrites.start([client], WRITERS)
  await sleep(WRITE_MS)
  if (stallMs > 0) primary.signal('SIGSTOP', 'replication')
  await sleep(stallMs)
  primary.signal('SIGKILL', 'PostgreSQL')
  // What is acknowledged from here on is the next primary's.
  const stopped = writes.stop()
  await eventually('another host leads', 120_000, async () => ![undefined, primary].includes(await metadata.primary()))
  await stopped
  return await writes.count()
}
