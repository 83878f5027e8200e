import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t from 'tap'
import type { PartId, ServerNumber } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { PartLayout } from '../../src/base/model.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { live } from '../meta/fixture.ts'
import { testClient } from '../support/chunk-cluster.ts'
import { execute } from '../support/postgres.ts'
import { whatIsWrong } from '../support/soundness.ts'
import { eventually, StoreUnderTest } from '../support/store.ts'
import { kill } from '../support/up.ts'

const WAIT_MS = 90_000
const KILLS = 2
const GONE = 3 as ServerNumber
const bucket = 'under-repair'
/** Slow enough that a kill meets it at work. */
const SETTINGS = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.5',
  SEXTANT_REPAIR_BYTES_PER_SECOND: '8 MiB',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '1',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
  SEXTANT_RING_REFRESH_SECONDS: '1',
}

t.test('kill -9 of the gateway in the middle of a repair: it goes on, and leaves nothing behind', async (t) => {
  await using store = new StoreUnderTest(SETTINGS)
  await store.start()
  const sql = (text: string) => execute(store.databaseUrl(), text)
  const { endpoint, region, accessKeyId, secretAccessKey } = store.announced
  const s3 = new S3Client({ endpoint, region, credentials: { accessKeyId, secretAccessKey }, forcePathStyle: true })
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  const bodies = new Map(
    [4096, 4097, 4098, 4099, 6_000_000, 6_000_001].map((size) => [String(size), randomBytes(size)]),
  )
  for (const [key, body] of bodies) await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))

  await sql(`update storage_servers set status = 'removed' where server_number = ${GONE}`)
  let metAtWork = 0
  for (let round = 0; round < KILLS; round++) {
    await eventually('a repair is under way', WAIT_MS, async () => {
      const [now] = await sql(
        `select (select count(*) from stray_chunks where state = 'being written') > 0 as writing,
                (select count(*) from parts where refs > 0 and ${GONE} = any (servers)) = 0 as done`,
      )
      return Boolean(now!.writing || now!.done)
    })
    await sleep(150 * round)
    kill(store.processes().get('gateway')!, 'SIGKILL')
    metAtWork += (await sql(`select from stray_chunks where state = 'being written'`)).length > 0 ? 1 : 0
    // An attempt that was killed waits like one that failed; the test does not.
    await sql('update repair_queue set next_attempt_at = now()')
    await eventually('the gateway is started again', WAIT_MS, async () =>
      fetch(`${endpoint}/health`).then(
        (answer) => answer.ok,
        () => false,
      ),
    )
  }
  t.ok(metAtWork > 0, `${metAtWork} of ${KILLS} kills met a repair at work`)

  await eventually('no row names the removed server', WAIT_MS, async () => {
    return (await sql(`select from parts where refs > 0 and ${GONE} = any (servers)`)).length === 0
  })
  await eventually('nothing is queued, nothing left over', WAIT_MS, async () => {
    const [left] = await sql('select (select count(*) from repair_queue) + (select count(*) from stray_chunks) as n')
    return Number(left!.n) === 0
  })
  await using meta = await connectMeta({
    url: store.databaseUrl(),
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  await using cluster = await meta.watchCluster({}, live)
  const token = (await readFile(join(store.directory, 'secrets', 'cluster-token'), 'utf8')).trim()
  await using chunks = testClient(cluster, { connectMs: 15_000, callMs: 15_000, idleMs: 15_000 }, token)
  const ids = (await sql('select part_id from parts where refs > 0')).map((row) => row.part_id as PartId)
  const layouts = (await meta.catalogue.findParts(ids, live)) as PartLayout[]
  t.equal(layouts.length, bodies.size)
  const servers = [...cluster.servers().keys()].filter((number) => number !== GONE)
  t.same(await whatIsWrong(chunks, layouts, servers), [])
  for (const [key, body] of bodies) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    t.ok(body.equals(await Body!.transformToByteArray()), key)
  }
})
