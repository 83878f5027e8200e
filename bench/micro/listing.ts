/**
 * How long the catalogue takes to list, by how many keys there are: it should not matter. A page of 1,000 in each case;
 * wall-clock time of the median, PostgreSQL on the same machine, everything in memory. `node bench/micro/listing.ts [keys…]`
 */
import type { BucketName } from '../../src/base/ids.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Bucket } from '../../src/base/model.ts'
import { systemClock, systemRandom } from '../../src/base/system.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { openTestDatabase } from '../../test/support/postgres.ts'
import { fillKeys } from '../store/fill-keys.ts'

const ROUNDS = 25
const PAGE = 1_000
const live = new AbortController().signal

interface Case {
  name: string
  prefix: string
  delimiter: string
  after?: string
}
const cases: readonly Case[] = [
  { name: 'all keys, one after another', prefix: '', delimiter: '' },
  { name: 'all keys, from the middle', prefix: 'flat/', delimiter: '', after: 'flat/0000' },
  { name: 'keys below a prefix that rolls nothing up', prefix: 'flat/', delimiter: '/' },
  { name: '11 common prefixes over all keys', prefix: '', delimiter: '/' },
  { name: '100 common prefixes, one level down', prefix: 'a3/', delimiter: '/' },
  { name: 'a thousandth of all, two levels down', prefix: 'a3/b07/', delimiter: '/' },
  { name: 'one key, three levels down', prefix: 'a3/b07/c0001/', delimiter: '/' },
  { name: '1,000 common prefixes across levels', prefix: 'a', delimiter: '/c' },
  { name: 'a prefix that is not there', prefix: 'b/', delimiter: '/' },
]

await using database = await openTestDatabase()
const options = {
  url: database.url,
  sealingKey: Buffer.alloc(32),
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
}
await using meta = await connectMeta(options)
const owner = await meta.accounts.createAccount({ name: 'owner' }, live)
const name = 'listed' as BucketName
const bucket = await meta.catalogue.createBucket({ name, ownerId: owner.id, region: 'us-east-1' }, live)

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1_000, 10_000, 100_000, 1_000_000]
const rows = cases.map(({ name }) => [name])
let there = 0
for (const keys of counts) {
  await fillKeys(database.url, name, { from: there, to: keys / 2 })
  there = keys / 2
  for (const [n, each] of cases.entries()) rows[n]!.push(await measure(bucket, each))
}
for (const [name, ...cells] of [['keys', ...counts.map(String)], ...rows]) {
  console.log(name!.padEnd(44) + cells.map((cell) => cell.padStart(16)).join(''))
}

async function measure(bucket: Bucket, { prefix, delimiter, after = '' }: Case): Promise<string> {
  const took: number[] = []
  let rows = 0
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = performance.now()
    const page = await meta.catalogue.listObjects(
      { bucketId: bucket.id, prefix, delimiter, after, rowsMax: PAGE },
      live,
    )
    took.push(performance.now() - startedMs)
    rows = page.objects.length + page.commonPrefixes.length
  }
  took.sort((a, b) => a - b)
  return `${took[ROUNDS >> 1]!.toFixed(1)} ms (${rows})`
}
