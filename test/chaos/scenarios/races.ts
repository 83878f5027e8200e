import {
  CreateBucketCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5 } from '../../../conformance/support/bytes.ts'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import { sized } from '../form.ts'
import { judgeRace, type RaceOutcome } from '../history/judge-race.ts'
import { failureOf } from '../workload/failure.ts'
import { s3Client } from '../workload/run-clients.ts'

/** Two races each: one to create a key, one to replace it. */
const ROUNDS = sized({ short: 50, full: 5_000, long: 50_000 })
const RACERS = 100
/** In turn. */
const BUCKETS = ['races', 'races-of-versions'] as const

t.test(`${RACERS} conditional writes of one key at once, through three gateways: exactly one wins`, async (t) => {
  await using cluster = await ChaosCluster.start({ gateways: 3 })
  const clients = cluster.gateways.map((gateway) => s3Client(cluster, gateway))
  t.teardown(() => clients.map((client) => client.destroy()))
  for (const bucket of BUCKETS) await clients[0]!.send(new CreateBucketCommand({ Bucket: bucket }))
  const VersioningConfiguration = { Status: 'Enabled' as const }
  await clients[0]!.send(new PutBucketVersioningCommand({ Bucket: BUCKETS[1], VersioningConfiguration }))

  const race = async (
    bucket: string,
    key: string,
    condition: { IfNoneMatch: '*' } | { IfMatch: string },
  ): Promise<RaceOutcome> => {
    const answers = await Promise.all(
      Array.from({ length: RACERS }, async (_, n) => {
        const Body = Buffer.from(`${JSON.stringify(condition)} ${key} racer ${n}`)
        const put = new PutObjectCommand({ Bucket: bucket, Key: key, Body, ...condition })
        const answer = await clients[n % clients.length]!.send(put).catch(failureOf)
        return { etag: md5(Body), status: 'isFailure' in answer ? answer.status : 200 }
      }),
    )
    const { ETag } = await clients[0]!.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
    const { Versions } = await clients[0]!.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }))
    return { answers, left: ETag!.replaceAll('"', ''), versions: Versions!.length }
  }

  const wrong: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const bucket = BUCKETS[round % BUCKETS.length]!
    const key = `round/${round}/`
    const created = await race(bucket, key, { IfNoneMatch: '*' })
    const replaced = await race(bucket, key, { IfMatch: `"${created.left}"` })
    wrong.push(...judgeRace(created, 1).map((what) => `${bucket}/${key}, If-None-Match: ${what}`))
    const versions = bucket === BUCKETS[1] ? 2 : 1
    wrong.push(...judgeRace(replaced, versions).map((what) => `${bucket}/${key}, If-Match: ${what}`))
  }
  t.same(wrong, [], `one winner in each of ${2 * ROUNDS} races`)
  await saveResult({
    name: 'races',
    test: 'test/chaos/scenarios/races.ts',
    promise: 'Of conditional writes at once exactly one wins, across gateways',
    passed: t.passing(),
    runs: `${2 * ROUNDS} races, by turns ${RACERS} × If-None-Match: * and ${RACERS} × If-Match, through 3 gateways, half of them in a bucket with versions`,
    result: `${wrong.length} races with any other outcome than one winner`,
  })
})
