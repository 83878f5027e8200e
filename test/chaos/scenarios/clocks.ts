import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { bytes } from '../../../conformance/support/bytes.ts'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import { seed, sized } from '../form.ts'
import { judge } from '../judge.ts'
import { failureOf } from '../workload/failure.ts'
import { awaitRevival, latest, openProbes } from '../workload/probe.ts'
import { Clients, s3Client } from '../workload/run-clients.ts'

const HOUR_MS = 3_600_000
const OPERATIONS = sized({ short: 1_500, long: 50_000 })
const WITHIN_MS = sized({ short: 20_000, long: 3_600_000 })
/** Beside the clients' bucket, of whose keys they know all. */
const bucket = 'aside'
const skews: Readonly<Record<string, number>> = {
  'gateway 2': HOUR_MS,
  'gateway 3': -HOUR_MS,
  'storage node 1': HOUR_MS,
  'storage node 2': -HOUR_MS,
}

t.test('clocks an hour off: skewed signatures are refused, and nothing else depends on the clock', async (t) => {
  t.comment(`seed ${seed}`)
  await using cluster = await ChaosCluster.start({
    clockSkewMs: (party) => skews[party] ?? 0,
    // Much shorter than the skew, much longer than the test.
    env: { SEXTANT_UPLOAD_TTL_SECONDS: '900' },
  })
  using clients = await Clients.open({ cluster, bucket: 'clocks', seed, operations: OPERATIONS, withinMs: WITHIN_MS })
  await openProbes(cluster)
  await createBucket(cluster)
  await refusesSkewed(t, cluster)
  const finishUpload = await startUpload(t, cluster)
  await clients.run()
  await keepsTheTimeOfTheDatabase(t, cluster)
  const { allNodesMs } = latest(await Promise.all(cluster.gateways.map((gateway) => awaitRevival(cluster, gateway))))
  t.ok(Number.isFinite(allNodesMs), 'every gateway writes to every node')
  await finishUpload()
  const result = await judge(t, cluster, clients)
  await saveResult({
    name: 'clocks',
    test: 'test/chaos/scenarios/clocks.ts',
    promise:
      'With clocks an hour off, skewed signatures are refused, the database orders writes, nothing expires early',
    passed: t.passing(),
    runs: `${clients.ledger.answered} operations; of 3 gateways and 6 nodes, 2 and 2 an hour ahead and behind`,
    result,
  })
})

async function createBucket(cluster: ChaosCluster): Promise<void> {
  const client = s3Client(cluster, cluster.gateways[0]!)
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
}

async function refusesSkewed(t: Test, cluster: ChaosCluster): Promise<void> {
  for (const gateway of cluster.gateways) {
    const client = s3Client(cluster, { endpoint: gateway.endpoint, clockSkewMs: 0 })
    const answer = await client
      .send(new PutObjectCommand({ Bucket: bucket, Key: 'skewed', Body: 'x' }))
      .catch(failureOf)
    const heard = 'isFailure' in answer ? `${answer.status} ${answer.code}` : '200'
    t.equal(heard, gateway.clockSkewMs === 0 ? '200' : '403 RequestTimeTooSkewed', `${gateway.name} and a right clock`)
    client.destroy()
  }
}

/** An upload that the sweep of a gateway whose clock is ahead would take for expired. */
async function startUpload(t: Test, cluster: ChaosCluster): Promise<() => Promise<void>> {
  const client = s3Client(cluster, cluster.gateways[0]!)
  const object = { Bucket: bucket, Key: 'upload' }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(object))
  const Body = bytes(100_000, 'upload')
  const { ETag } = await client.send(new UploadPartCommand({ ...object, UploadId, PartNumber: 1, Body }))
  return async () => {
    await sleep(5_000) // two sweeps and more
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
    const answer = await client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }))
    t.ok(answer.ETag, 'an upload under way did not expire early')
    client.destroy()
  }
}

async function keepsTheTimeOfTheDatabase(t: Test, cluster: ChaosCluster): Promise<void> {
  for (const gateway of cluster.gateways) {
    const client = s3Client(cluster, gateway)
    const object = { Bucket: bucket, Key: `time/${gateway.name}` }
    await client.send(new PutObjectCommand({ ...object, Body: 'x' }))
    const { LastModified } = await client.send(new HeadObjectCommand(object))
    const offMs = Math.abs(LastModified!.getTime() - Date.now())
    t.ok(offMs < 60_000, `what ${gateway.name} wrote was modified ${offMs} ms from now`)
    client.destroy()
  }
}
