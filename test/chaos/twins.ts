import type { Test } from 'tap'
import { execute } from '../support/postgres.ts'
import type { ChaosCluster } from './cluster/cluster.ts'
import { fsck, inspect } from './cluster/settle.ts'
import { seed } from './form.ts'
import { Clients } from './workload/run-clients.ts'

const bucket = 'twin'
/** Enough that most of the keys hold something, and some are deleted. */
const OPERATIONS = 120
const KEYS = 8

/**
 * That the judge can fail. On a store that is well: behind its back an acknowledged object is taken away, one is put where
 * another was deleted, a chunk's hash is changed and a part forgotten; each must be found.
 */
export async function showThatItCanFail(t: Test, cluster: ChaosCluster): Promise<void> {
  using clients = await Clients.open({ cluster, bucket, seed, operations: OPERATIONS, keys: KEYS, bytesMax: 100_000 })
  const { ledger } = clients
  await clients.run()
  const deleted = ledger.keys[0]!
  await clients.delete(deleted)
  await clients.readAll(60_000)
  t.same(ledger.violations(), [], 'nothing is wrong yet')
  const sql = (text: string, values: unknown[] = []) => execute(cluster.databaseUrl, text, values)
  const rows = await sql(
    `select b.bucket_id, o.key, o.part_ids[1] as part_id from objects o join buckets b using (bucket_id)
      where b.name = $1 and cardinality(o.part_ids) = 1 order by o.key limit 4`,
    [bucket],
  )
  const [lost, other, rotten, forgotten] = rows as { bucket_id: string; key: string; part_id: string }[]
  if (!forgotten) throw new Error('there are too few objects to tamper with')
  const bucketId = forgotten.bucket_id

  await sql('delete from objects where key = $1 and bucket_id = $2', [lost!.key, bucketId])
  await sql('update objects set key = $2 where key = $1 and bucket_id = $3', [other!.key, deleted, bucketId])
  await sql(`update parts set chunk_hashes = overlay(chunk_hashes placing '\\x00'::bytea from 5) where part_id = $1`, [
    rotten!.part_id,
  ])
  await sql('delete from parts where part_id = $1', [forgotten.part_id])

  await clients.readAll(60_000, [lost!.key, deleted])
  const found = ledger.violations().map((violation) => violation.split(':')[0])
  t.ok(found.includes(lost!.key), 'a lost object would be found')
  t.ok(found.includes(deleted), 'a deleted object that is back would be found')
  const wrong = await inspect(cluster)
  const about = (partId: string, what: RegExp) =>
    wrong.filter((line) => line.includes(partId) && what.test(line)).length
  t.equal(about(rotten!.part_id, /another hash/), 1, 'a chunk that is not what it should be would be found')
  t.equal(about(forgotten.part_id, /is not named/), 8, 'chunks that nothing refers to would be found')
  t.match(await fsck(cluster), { ok: false }, 'and `sextant fsck` would say so')
}
