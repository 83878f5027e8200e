import t from 'tap'
import type { readStatus } from '../../../src/cli/commands/status-work.ts'
import { live } from '../../meta/fixture.ts'
import { TOKEN } from '../../support/chunk-cluster.ts'
import { eventually } from '../../support/store.ts'
import { openStore, someBytes } from '../../support/store-in-process.ts'
import { sextant } from '../../support/up.ts'

type Status = Awaited<ReturnType<typeof readStatus>>

const WAIT_MS = 60_000
const store = await openStore(6)
const upkeep = store.startUpkeep({
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_REPAIR_GRACE_SECONDS: '600',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
  SEXTANT_ORPHAN_AGE_SECONDS: '0',
})
t.teardown(async () => {
  await upkeep[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})
const { meta, sql } = store.fixture

const env = { DATABASE_URL: store.fixture.db.url, SEXTANT_CLUSTER_TOKEN: TOKEN, SEXTANT_ORPHAN_AGE_SECONDS: '0' }
const command = (...args: string[]) => sextant('/nowhere', args, env).ended
async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await command(...args)
  if (code !== 0) throw new Error(`sextant ${args.join(' ')}: ${stderr}`)
  return stdout
}
const readJson = async <T>(...args: string[]) => JSON.parse(await run(...args, '--json')) as T
const words = async () => (await readJson<Status>('status')).safety.words
const settledAs = (expected: string) => eventually(expected, WAIT_MS, async () => (await words()) === expected)
const damage = async (key: string, index: number) => {
  await meta.repairs.queueDamage([await lose(key, index)], live)
}
/** A chunk that is gone from its server, and nobody knows. */
async function lose(key: string, index: number) {
  const partId = await store.put(key, someBytes(5_000))
  const [layout] = await meta.catalogue.findParts([partId], live)
  const server = layout!.servers[index]!
  await store.engineDeps.chunks.deleteChunks(server, [{ partId, index }], live)
  return { partId, index, server, why: 'a test' }
}

t.test('status: tells in words what may be lost, and counts what is at risk', async (t) => {
  await settledAs('nothing is stored yet')
  for (let n = 0; n < 20; n++) await store.put(`s/${n}`, someBytes(100 + n))
  t.equal(
    await words(),
    'survives the loss of 1 more node, whichever it is',
    'also of what was written since the count',
  )
  await store.put('reduced', someBytes(100), 'REDUCED_REDUNDANCY')
  t.equal(await words(), 'the loss of one more node may lose data', 'of seven chunks two are on one node')
  await store.delete('reduced')
  await sql(`delete from jobs where name = 'census'`)
  await sql(`insert into jobs (name) values ('census')`)
  await settledAs('survives the loss of 1 more node, whichever it is')

  await store.nodes[2]!.stop()
  await sql(`update storage_servers set last_heartbeat_at = now() - interval '1 minute' where server_number = 3`)
  await settledAs('the loss of one more node may lose data')
  await store.nodes[4]!.stop()
  await sql(`update storage_servers set last_heartbeat_at = now() - interval '1 minute' where server_number = 5`)
  await settledAs('data is lost, or out of reach: there are parts with fewer than six chunks')
  await Promise.all([store.nodes[2]!.start(), store.nodes[4]!.start()])
  await settledAs('survives the loss of 1 more node, whichever it is')
  const table = await run('status')
  t.match(table, /^fault tolerance {2}survives the loss of 1 more node, whichever it is \(20 parts, counted .*\)\n/)
  t.match(table, /\nat risk {10}0 parts, 0 B to make anew: /)
  t.match(
    table,
    /\njobs {13}census \w+, lifecycle \w+, notifications \w+, orphans \w+, rebalance \w+, repair \w+, report \w+, scrub \w+\n/,
  )
})

t.test('repair: paused it leaves the queue as it is; resumed and waited for, it empties it', async (t) => {
  t.match(await run('repair', '--pause'), /^repair {4}paused\n/)
  await damage('r/1', 2)
  await damage('r/2', 7)
  const { safety, queues } = await readJson<Status>('status')
  // A sixth of 5,000 bytes each.
  t.match(safety, { tolerance: 0, partsAtRisk: 2, bytesAtRisk: 2 * 834 }, 'what was queued since the count is known')
  t.match(queues.repair, { parts: 2, withoutSpare: 0, unreadable: 0 })
  t.match(await readJson('repair', '--status'), { state: 'paused', queue: { parts: 2 }, secondsToSafety: null })
  await run('repair', '--resume')
  t.match(await run('repair', '--wait'), /\nqueue {5}0 parts \(0 B\): .*\nrepaired {2}2 parts, 2 chunks/)
  await settledAs('survives the loss of 1 more node, whichever it is')
})

t.test('repair: what failed is told with its reason, and tried again at once when it is asked for', async (t) => {
  await sql(`insert into repair_queue (part_id, missing_chunks, spare_chunks, damaged_chunks, reason, error, next_attempt_at)
             select part_id, 1, 1, 2, 'a test', 'no luck', now() + interval '1 hour' from parts where refs > 0 limit 1`)
  t.match(await run('repair', '--status'), /\nfailing {3}[0-9a-f-]{36}: no luck\n$/)
  await run('repair', '--wait')
  t.match(await readJson('repair', '--status'), { queue: { parts: 0 } })
})

t.test('scrub: a pass is begun, shown and waited for', async (t) => {
  await lose('scrubbed', 3)
  const { last } = await readJson<{ last: { damaged: number; chunks: number; skipped: number } }>('scrub', '--wait')
  t.match(last, { damaged: 1, skipped: 0 })
  t.match(await run('scrub', '--status'), /^scrub {5}waiting\nlast pass began .* \d+ damaged, 0 skipped .*\nnext pass /)
})

t.test('fsck: tells what is wrong and what to do, and by its exit code; a dry run queues nothing', async (t) => {
  await run('repair', '--pause')
  t.match(await run('fsck', '--quick'), /\nchecked {5}\d+ parts, \d+ chunks, in .*\n(.*\n)*all is sound\n$/)
  const { partId, index, server } = await lose('checked', 3)
  const dry = await command('fsck', '--dry-run', '--json')
  t.match(
    { ...dry, stdout: JSON.parse(dry.stdout) },
    { code: 1, stderr: '', stdout: { ok: false, missing: 1, queued: 0 } },
  )
  const { code, stdout } = await command('fsck')
  t.equal(code, 1)
  t.match(stdout, /\nmissing {5}1 chunk, and 0 damaged; 1 queued for repair: `sextant repair --wait`/)
  t.match(stdout, new RegExp(`\nmissing {5}chunk ${index} of ${partId} on server ${server}: .*\nsomething is wrong\n$`))
  await run('repair', '--resume')
  await run('repair', '--wait')
  t.match(await readJson('fsck'), { ok: true, missing: 0, tables: [], problems: [] })
})

t.test(
  'orphans: a dry run tells, a search deletes; what a restored database may have forgotten waits for the order',
  async (t) => {
    const forget = async (key: string) => {
      await store.put(key, someBytes(600))
      await sql(`delete from parts where part_id in (select unnest(part_ids) from objects where key = $1)`, [key])
      await sql(`delete from objects where key = $1`, [key])
    }
    await forget('a')
    t.match(await readJson('orphans', '--dry-run'), { orphans: { chunks: 8 }, kept: { chunks: 0 }, restores: [] })
    t.match(
      await run('orphans', '--wait'),
      /\nlast search began .*: \d+ chunks looked at, 8 chunks \(832 B\) deleted, 0 chunks \(0 B\) kept\nnext search /,
    )

    await sql('update storage_servers set beats = beats - 10 where server_number = 3')
    const isMarked = async () => (await meta.restores.listRestores(live)).length > 0
    await eventually('the restore is recognised', WAIT_MS, isMarked)
    store.engineDeps.settings.session = 8 // of the one before, nothing can be committed since its orphans were deleted
    await forget('b')
    t.match(
      await run('orphans', '--wait'),
      /^orphans .*\nrestored {2}.* by what server 3 knows, .*\nlast search .* 0 chunks \(0 B\) deleted, 8 chunks \(832 B\) kept\n/m,
    )
    t.match(await run('orphans', '--dry-run'), /^orphans {3}0 chunks .*\nkept {6}8 chunks \(832 B\) would not be: /)
    t.match(await run('status'), /\nrestored {9}\S+: by what server 3 knows, .* `sextant orphans --release`\n/)
    t.match(await run('orphans', '--release'), /^what this database does not know is deleted from now on/)
    await run('orphans', '--wait')
    t.match(await readJson('orphans', '--dry-run'), { orphans: { chunks: 0 }, kept: { chunks: 0 } })
    t.match(await readJson('orphans', '--release'), { released: 0 })
    t.match(await command('orphans', '--release', '--wait'), { code: 2, stderr: /cannot be used with/ })
  },
)
