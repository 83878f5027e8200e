import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import type { PartId, ServerNumber } from '../../../src/base/ids.ts'
import { silentLog } from '../../../src/base/log.ts'
import type { PartLayout } from '../../../src/base/model.ts'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { connectMeta, type Meta } from '../../../src/meta/connect.ts'
import { payloadBytes } from '../../../src/striping/layout.ts'
import type { RepairProgress } from '../../../src/upkeep/repair/repair-job.ts'
import { live } from '../../meta/fixture.ts'
import { testClient } from '../../support/chunk-cluster.ts'
import { execute } from '../../support/postgres.ts'
import { saveResult } from '../../support/reliability.ts'
import { whatIsWrong } from '../../support/soundness.ts'
import { eventually, StoreUnderTest } from '../../support/store.ts'
import { kill } from '../../support/up.ts'

/** Small ones; `npm run test:wiped-node` takes 100,000. */
const OBJECTS = Number(process.env.SEXTANT_TEST_WIPED_OBJECTS ?? 300)
const OBJECT_BYTES = 4096
const LARGE_OBJECTS = 4
const CLIENTS = 24
const KILLS = 2
const WAIT_MS = 90_000 + OBJECTS * 20
const PARTS_AT_ONCE = 1_000
const WIPED = 3 as ServerNumber
const bucket = 'under-repair'
const SETTINGS = {
  SEXTANT_JOB_INTERVAL_SECONDS: '0.5',
  // In short, so slow that a kill meets it at work.
  SEXTANT_REPAIR_BYTES_PER_SECOND: OBJECTS < 10_000 ? '4 MiB' : '128 MiB',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '1',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
  SEXTANT_RING_REFRESH_SECONDS: '1',
  SEXTANT_HEARTBEAT_SECONDS: '1',
}

t.test(
  'a node is wiped, the gateway killed in the middle of the repair: it goes on, and leaves nothing behind',
  async (t) => {
    await using store = new StoreUnderTest(SETTINGS)
    await store.start()
    const sql = (text: string) => execute(store.databaseUrl(), text)
    const s3 = store.client()
    await s3.send(new CreateBucketCommand({ Bucket: bucket }))
    const bodies = Array.from({ length: OBJECTS }, (_, n) => [`small/${n}`, OBJECT_BYTES + (n % 7)] as const)
    const large = Array.from({ length: LARGE_OBJECTS }, (_, n) => [`large/${n}`, 6_000_000 + n] as const)
    const seed = randomBytes(6_000_100)
    const bodyOf = (sizeBytes: number) => seed.subarray(0, sizeBytes)
    const waiting = [...large, ...bodies].values()
    const client = async () => {
      for (const [key, size] of waiting)
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bodyOf(size) }))
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))

    await using meta = await connectMeta({
      url: store.databaseUrl(),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    })
    const lostBytes = bytesOn(WIPED, await allLayouts(meta, sql))
    const [{ data_directory: directory }] = (await sql(
      `select data_directory from storage_servers where server_number = ${WIPED}`,
    )) as [{ data_directory: string }]
    await rm(directory, { recursive: true, force: true, maxRetries: 5 })
    kill(store.processes().get(`storage node ${directory.split('/').at(-1)}`)!, 'SIGKILL')
    await eventually('it is back as another one', WAIT_MS, async () => {
      return (await sql(`select from storage_servers where server_number = 7 and status = 'up'`)).length === 1
    })
    await sql(`update storage_servers set status = 'removed' where server_number = ${WIPED}`)
    const startedMs = performance.now()

    const isOn = async () =>
      (await sql(`select from parts where refs > 0 and ${WIPED} = any (servers) limit 1`)).length > 0
    let metAtWork = 0
    for (let round = 0; round < KILLS; round++) {
      await eventually('a repair is under way', WAIT_MS, async () => {
        const planned = await sql(`select from stray_chunks where state = 'being written' limit 1`)
        return planned.length > 0 || !(await isOn())
      })
      await sleep(150 * round)
      kill(store.processes().get('gateway')!, 'SIGKILL')
      metAtWork += (await sql(`select from stray_chunks where state = 'being written' limit 1`)).length
      // An attempt that was killed waits like one that failed; the test does not.
      await sql('update repair_queue set next_attempt_at = now()')
      await eventually('the gateway is started again', WAIT_MS, async () =>
        fetch(`${store.announced.endpoint}/health`).then(
          (answer) => answer.ok,
          () => false,
        ),
      )
    }
    t.ok(metAtWork > 0, `${metAtWork} of ${KILLS} kills met a repair at work`)
    await eventually('no row names the wiped server', WAIT_MS, async () => !(await isOn()))
    await eventually(
      'nothing is queued',
      WAIT_MS,
      async () => (await sql('select from repair_queue limit 1')).length === 0,
    )
    const seconds = (performance.now() - startedMs) / 1000
    const { writtenBytes, movedBytes, parts } = (await sql(`select progress from jobs where name = 'repair'`))[0]!
      .progress as RepairProgress
    t.comment(
      `${OBJECTS + LARGE_OBJECTS} objects: ${lostBytes} bytes lost, made anew in ${seconds.toFixed(1)} s through ${KILLS} kills; ` +
        `${parts} parts, ${writtenBytes} bytes written, ${movedBytes} read and written, by what was kept of it`,
    )
    await eventually(
      'nothing is left over',
      WAIT_MS,
      async () => (await sql('select from stray_chunks limit 1')).length === 0,
    )

    await using cluster = await meta.watchCluster({}, live)
    const token = (await readFile(join(store.directory, 'secrets', 'cluster-token'), 'utf8')).trim()
    await using chunks = testClient(cluster, { connectMs: 15_000, callMs: 60_000, idleMs: 60_000 }, token)
    const layouts = await allLayouts(meta, sql)
    t.equal(layouts.length, OBJECTS + LARGE_OBJECTS)
    const servers = [...cluster.servers().keys()].filter((number) => number !== WIPED)
    t.same(await whatIsWrong(chunks, layouts, servers), [])
    for (const [key, size] of [...large, ...bodies.slice(0, 100)]) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
      t.ok(bodyOf(size).equals(await Body!.transformToByteArray()), key)
    }
    await saveResult({
      name: 'a node wiped',
      test: 'test/upkeep/scenarios/wiped-node.ts',
      promise: 'What a wiped node had is made anew elsewhere, through kills of the gateway that does it',
      passed: t.passing(),
      runs: `${OBJECTS + LARGE_OBJECTS} objects, ${lostBytes} bytes lost, ${KILLS} kills of the gateway`,
      result: `whole again after ${seconds.toFixed(0)} s: ${parts} parts, ${writtenBytes} bytes written, ${movedBytes} read and written; 0 chunks wrong or left over`,
    })
  },
)

async function allLayouts(
  meta: Meta,
  sql: (text: string) => Promise<Record<string, unknown>[]>,
): Promise<PartLayout[]> {
  const ids = (await sql('select part_id from parts where refs > 0')).map((row) => row.part_id as PartId)
  const found: (PartLayout | undefined)[] = []
  for (let n = 0; n < ids.length; n += PARTS_AT_ONCE) {
    found.push(...(await meta.catalogue.findParts(ids.slice(n, n + PARTS_AT_ONCE), live)))
  }
  return found.filter((layout) => layout !== undefined)
}

function bytesOn(server: ServerNumber, layouts: readonly PartLayout[]): number {
  return layouts.reduce(
    (sum, layout) => sum + layout.servers.filter((each) => each === server).length * payloadBytes(layout),
    0,
  )
}
