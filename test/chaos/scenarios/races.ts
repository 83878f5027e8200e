import { CreateBucketCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { md5 } from '../../../conformance/support/bytes.ts'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import { sized } from '../form.ts'
import { judgeRace, type RaceOutcome } from '../history/judge-race.ts'
import { failureOf } from '../workload/failure.ts'
import { s3Client } from '../workload/run-clients.ts'

const ROUNDS = sized({ short: 50, full: 10_000, long: 100_000 })
const RACERS = 100
const bucket = 'races'

t.test(`${RACERS} conditional writes of one key at once, through three gateways: exactly one wins`, async (t) => {
  await using cluster = await ChaosCluster.start({ gateways: 3 })
  const clients = cluster.gateways.map((gateway) => s3Client(cluster, gateway))
  t.teardown(() => clients.map((client) => client.destroy()))
  await clients[0]!.send(new CreateBucketCommand({ Bucket: bucket }))

  const race = async (key: string, condition: { IfNoneMatch: '*' } | { IfMatch: string }): Promise<RaceOutcome> => {
    const answers = await Promise.all(
      Array.from({ length: RACERS }, async (_, n) => {
        const Body = Buffer.from(`${JSON.stringify(condition)} ${key} racer ${n}`)
        const put = new PutObjectCommand({ Bucket: bucket, Key: key, Body, ...condition })
        const answer = await clients[n % clients.length]!.send(put).catch(failureOf)
        return { etag: md5(Body), status: 'isFailure' in answer ? answer.status : 200 }
      }),
    )
    const { ETag } = await clients[0]!.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
    return { answers, left: ETag!.replaceAll('"', '') }
  }

  const wrong: string[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const key = `round/${round}`
    const created = await race(key, { IfNoneMatch: '*' })
    const replaced = await race(key, { IfMatch: `"${created.left}"` })
    wrong.push(...judgeRace(created).map((what) => `${key}, If-None-Match: ${what}`))
    wrong.push(...judgeRace(replaced).map((what) => `${key}, If-Match: ${what}`))
  }
  t.same(wrong, [], `one winner in each of ${2 * ROUNDS} races`)
  await saveResult({
    name: 'races',
    test: 'test/chaos/scenarios/races.ts',
    promise: 'Of conditional writes at once exactly one wins, across gateways',
    passed: t.passing(),
    runs: `${ROUNDS} rounds of ${RACERS} × If-None-Match: *, then ${RACERS} × If-Match, through 3 gateways`,
    result: `${wrong.length} races with any other outcome than one winner`,
  })
})
