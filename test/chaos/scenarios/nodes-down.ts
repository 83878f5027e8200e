import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, randomFrom } from '../../../conformance/support/bytes.ts'
import { execute } from '../../support/postgres.ts'
import { saveResult } from '../../support/reliability.ts'
import { sextant } from '../../support/up.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import type { Member } from '../cluster/member.ts'
import { seed, sized } from '../form.ts'
import { judge } from '../judge.ts'
import { failureOf } from '../workload/failure.ts'
import { awaitRevival, openProbes } from '../workload/probe.ts'
import { Clients, s3Client } from '../workload/run-clients.ts'

const ROUNDS = sized({ short: 1, full: 12, long: 100 })
/** With each number of nodes down. */
const HELD_MS = sized({ short: 4_000, full: 8_000, long: 30_000 })
/** m: as many chunks of a part may be lost. */
const PARITY = 2
/** With m of them down there is one for each of eight chunks; with fewer, some hold two, and m of those may be too many. */
const NODES = 10
const SIZES = [1, 700, 4_096, 300_000, 2_500_000]
const KEPT = 30
const Bucket = 'kept'
const READERS = 6

/** How an object is answered: by its bytes, by others, or by a status; `broken off` without any, or in the middle. */
type Answer = 'exact' | 'other bytes' | 'broken off' | number

t.test('m nodes down: all is read and written; m + 1: exactly, or a clean 503', async (t) => {
  t.comment(`seed ${seed}`)
  const env = {
    // Every read goes to the nodes, and what is lost stays lost as long as they are down.
    SEXTANT_CHUNK_CACHE_BYTES: '0',
    SEXTANT_LOCAL_READS: 'false',
    SEXTANT_REPAIR_GRACE_SECONDS: '3600',
  }
  await using cluster = await ChaosCluster.start({ gateways: 2, nodes: NODES, env })
  await openProbes(cluster)
  const client = s3Client(cluster, cluster.gateways[0]!)
  t.teardown(() => client.destroy())
  await client.send(new CreateBucketCommand({ Bucket }))
  await putSome(client, 'all-up')
  const shared = { cluster, seed, operations: Number.POSITIVE_INFINITY, withinMs: HELD_MS }
  using tolerated = await Clients.open({ ...shared, bucket: 'm-down' })
  // Of one part each: with several, the first may be there and the second not, and the answer breaks off in the middle.
  using beyond = await Clients.open({ ...shared, bucket: 'more-down', bytesMax: 3_000_000 })

  const random = randomFrom(seed)
  const counts = { exact: 0, exactBeyond: 0, refused: 0, beyond: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const victims = chooseSome(cluster.nodes, PARITY + 1, random)
    t.comment(`round ${round}: ${victims.map(({ name }) => name).join(', ')}`)
    // What is written with all nodes is what cannot be read with so few.
    await beyond.run()
    t.equal(beyond.ledger.failures, counts.beyond, 'with all nodes no request fails')
    const running = tolerated.run()
    // One after the other: of what is streamed when one dies, a chunk is given up.
    for (const victim of victims.slice(0, PARITY)) {
      await victim.stop()
      await sleep(HELD_MS / 4)
    }
    await putSome(client, 'm-down')
    const answers = [...(await readAll(client)).values()]
    t.same(new Set(answers), new Set(['exact']), `${PARITY} nodes down: each of ${answers.length} objects is served`)
    counts.exact += answers.length
    await running
    t.comment(tolerated.ledger.describe())
    t.equal(tolerated.ledger.failures, 0, `${PARITY} nodes down: ${tolerated.ledger.answered} requests, none failed`)

    await victims[PARITY]!.stop()
    const lost = await lostChunks(cluster, victims)
    for (const [key, answer] of await readAll(client)) {
      const isServed = answer === 'exact'
      // Of one byte all chunks but the first are known to be empty, and it is served without them.
      const isRight = isServed || (answer === 503 && lost.get(key)! > PARITY)
      if (!isRight) t.fail(`${key}, of which ${lost.get(key)} chunks are lost: ${answer}`)
      counts[isServed ? 'exactBeyond' : 'refused'] += 1
    }
    await beyond.run()
    counts.beyond = beyond.ledger.failures

    await Promise.all(victims.map((victim) => victim.start()))
    await Promise.all(cluster.gateways.map((gateway) => awaitRevival(cluster, gateway)))
    const again = [...(await readAll(client)).values()]
    t.same(new Set(again), new Set(['exact']), 'when all are back, all is served again')
  }
  const { ledger } = beyond
  t.ok(counts.refused > 0 && counts.exactBeyond > 0, 'so nodes were down, and what they had was needed')
  t.same([...ledger.failureStatuses], [503], 'beyond m, 503 is all that clients hear of it')
  t.equal(ledger.unanswered, 0, 'and they always hear')
  await spreadAgain(cluster)
  const judged = [await judge(t, cluster, tolerated), await judge(t, cluster, beyond)]
  await saveResult({
    name: 'm nodes down, then m + 1',
    test: 'test/chaos/scenarios/nodes-down.ts',
    promise: `With m = ${PARITY} of ${NODES} nodes down all reads and writes succeed; with one more, an object of one part that has lost more than m chunks is answered 503, and everything else exactly`,
    passed: t.passing(),
    runs: `${ROUNDS} times ${PARITY} nodes killed (-9) under load, one after the other, then one more, then all back`,
    result:
      `m down: ${tolerated.ledger.failures} of ${tolerated.ledger.operations} requests failed, ${counts.exact} objects served exactly, judged: ${judged[0]};` +
      ` m + 1 down: ${counts.exactBeyond} objects served exactly, ${counts.refused} answered 503;` +
      ` of ${ledger.operations} other requests ${ledger.failures - ledger.unanswered} were answered 503, ${ledger.unanswered} not at all, judged: ${judged[1]}`,
  })
})

/** What was written with more than m down has two chunks on some: as operators do, docs/nodes.md. */
async function spreadAgain({ directory, databaseUrl }: ChaosCluster): Promise<void> {
  const { code, stderr } = await sextant(directory, ['rebalance', '--wait'], { DATABASE_URL: databaseUrl }).ended
  if (code !== 0) throw new Error(`rebalance: ${stderr}`)
}

async function putSome(client: S3Client, prefix: string): Promise<void> {
  for (let n = 0; n < KEPT; n++) {
    const Key = `${prefix}/${n}`
    await client.send(new PutObjectCommand({ Bucket, Key, Body: bytes(SIZES[n % SIZES.length]!, Key) }))
  }
}

async function readAll(client: S3Client): Promise<Map<string, Answer>> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
  const answers = new Map<string, Answer>()
  const left = Contents.values()
  const reader = async () => {
    for (const { Key, Size } of left) answers.set(Key!, await read(client, Key!, Size!))
  }
  await Promise.all(Array.from({ length: READERS }, reader))
  return answers
}

async function read(client: S3Client, Key: string, size: number): Promise<Answer> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
    return bytes(size, Key).equals(await Body!.transformToByteArray()) ? 'exact' : 'other bytes'
  } catch (error) {
    return failureOf(error).status ?? 'broken off'
  }
}

/** How many chunks of each object lie on these nodes. */
async function lostChunks(cluster: ChaosCluster, down: readonly Member[]): Promise<Map<string, number>> {
  const serverIds = await Promise.all(
    down.map(async ({ name }) => {
      const identity = join(cluster.nodeDirectory(Number(name.split(' ').at(-1))), 'node.json')
      return (JSON.parse(await readFile(identity, 'utf8')) as { serverId: string }).serverId
    }),
  )
  const rows = await execute(
    cluster.databaseUrl,
    `select o.key, (select count(*) from unnest(p.servers) as c (number)
                      join storage_servers s on s.server_number = c.number where s.server_id = any($2)) as lost
       from objects o join buckets b using (bucket_id) join parts p on p.part_id = o.part_ids[1] where b.name = $1`,
    [Bucket, serverIds],
  )
  return new Map(rows.map(({ key, lost }) => [key as string, Number(lost)]))
}

function chooseSome<T>(all: readonly T[], count: number, random: () => number): T[] {
  const left = [...all]
  return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0]!)
}
