import t from 'tap'
import { fillKeys } from '../../bench/store/fill-keys.ts'
import { listingsOf } from '../../bench/workloads/listing.ts'
import type { BucketName } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { openTestDatabase } from '../support/postgres.ts'

t.test('bench/listing: a bucket filled behind the store: each listing shows what it is said to', async (t) => {
  const KEYS = 4_000
  await using database = await openTestDatabase()
  const given = { sealingKey: Buffer.alloc(32), clock: systemClock, random: systemRandom, log: silentLog }
  await using meta = await connectMeta({ url: database.url, ...given })
  const { signal } = new AbortController()
  const owner = await meta.accounts.createAccount({ name: 'owner' }, signal)
  const name = 'listed' as BucketName
  const { id: bucketId } = await meta.catalogue.createBucket({ name, ownerId: owner.id, region: 'us-east-1' }, signal)
  await fillKeys(database.url, name, { from: 0, to: KEYS / 2 })
  for (const { name, prefix = '', delimiter = '', after, shown } of listingsOf(KEYS))
    for (const n of [0, 1, 2]) {
      const query = { bucketId, prefix, delimiter, after: after?.(n) ?? '', rowsMax: 1000 }
      const page = await meta.catalogue.listObjects(query, signal)
      t.equal(page.objects.length + page.commonPrefixes.length, shown, `${name}, page ${n}`)
    }
})
