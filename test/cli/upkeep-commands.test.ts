import t from 'tap'
import type { readStatus } from '../../src/cli/commands/status-work.ts'
import { live } from '../meta/fixture.ts'
import { eventually } from '../support/store.ts'
import { openStore, someBytes } from '../support/store-in-process.ts'
import { sextant } from '../support/up.ts'

type Status = Awaited<ReturnType<typeof readStatus>>

const WAIT_MS = 60_000
const store = await openStore(6)
const upkeep = store.startUpkeep({
  SEXTANT_JOB_INTERVAL_SECONDS: '0.3',
  SEXTANT_REPAIR_GRACE_SECONDS: '600',
  SEXTANT_SWEEP_INTERVAL_SECONDS: '0.5',
  SEXTANT_DOOMED_GRACE_SECONDS: '0',
})
t.teardown(async () => {
  await upkeep[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
})
const { meta, sql } = store.fixture

async function run(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await sextant('/nowhere', args, { DATABASE_URL: store.fixture.db.url }).ended
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
  t.match(table, /\nat risk {10}0 parts: /)
  t.match(table, /\njobs {13}census \w+, repair \w+, scrub \w+\n/)
})

t.test('repair: paused it leaves the queue as it is; resumed and waited for, it empties it', async (t) => {
  t.match(await run('repair', '--pause'), /^repair {4}paused\n/)
  await damage('r/1', 2)
  await damage('r/2', 7)
  const { safety, queues } = await readJson<Status>('status')
  t.match(safety, { tolerance: 0, partsAtRisk: 2 }, 'what was queued since the count is known')
  t.match(queues.repair, { parts: 2, withoutSpare: 0, unreadable: 0 })
  t.match(await readJson('repair', '--status'), { state: 'paused', queue: { parts: 2 }, secondsToSafety: null })
  await run('repair', '--resume')
  t.match(await run('repair', '--wait'), /\nqueue {5}0 parts: .*\nrepaired {2}2 parts, 2 chunks/)
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
