import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { bytes } from '../../../conformance/support/bytes.ts'
import { saveResult } from '../../support/reliability.ts'
import { ChaosCluster } from '../cluster/cluster.ts'
import { openProxies, type ProxiedNetwork } from '../cluster/proxies.ts'
import { inspect } from '../cluster/settle.ts'
import { sized } from '../form.ts'
import { s3Client } from '../workload/run-clients.ts'

const bucket = 'late'
const KIB = 1024
const MIB = 1024 * KIB
/** What travels whole, what is one stripe, what is streamed. */
const SIZES = [4 * KIB, 300 * KIB, 3 * MIB, 9 * MIB]
const OBJECTS_EACH = 4
const READERS = 4
/** Healthy and not, in turn, so that whatever else the machine does meets both alike. */
const ROUNDS = sized({ short: 2, long: 30 })
const PHASE_MS = sized({ short: 6_000, long: 20_000 })
const SLOW_MS = 5_000

type Lateness = 'hung (SIGSTOP)' | '5 s slow'

/** How a node is late, and how that ends. */
const lateness: Record<Lateness, (cluster: ChaosCluster, node: number) => () => void> = {
  'hung (SIGSTOP)': (cluster, node) => {
    cluster.nodes[node - 1]!.signal('SIGSTOP')
    return () => cluster.nodes[node - 1]!.signal('SIGCONT')
  },
  '5 s slow': (cluster, node) => {
    const network = cluster.network as ProxiedNetwork
    network.slow(node, SLOW_MS)
    return () => network.slow(node, 0)
  },
}

for (const [name, makeLate] of Object.entries(lateness) as [Lateness, (typeof lateness)[Lateness]][]) {
  t.test(`one node is ${name}: the 99th percentile of GETs stays under twice the healthy one`, async (t) => {
    const network = await openProxies({ gateways: 1, nodes: 6 })
    // Every read goes to the nodes: no cache, no directory of a node read past it.
    const env = { SEXTANT_CHUNK_CACHE_BYTES: '0', SEXTANT_LOCAL_READS: 'false' }
    await using cluster = await ChaosCluster.start({ gateways: 1, network, env })
    const client = s3Client(cluster, cluster.gateways[0]!)
    t.teardown(() => client.destroy())
    const keys = await fill(client)
    await readFor(client, keys, PHASE_MS / 2) // a warm-up
    const healthy: number[] = []
    const late: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      healthy.push(...(await readFor(client, keys, PHASE_MS)))
      const end = makeLate(cluster, (round % 6) + 1)
      late.push(...(await readFor(client, keys, PHASE_MS)))
      t.ok(await isWritable(client, `written/${round}`), 'what is written meanwhile is acknowledged and read')
      end()
      await sleep(1_000)
    }
    await judge(t, { name, healthy, late, left: await inspectSoon(cluster) })
  })
}

async function judge(
  t: Test,
  { name, healthy, late, left }: { name: Lateness; healthy: number[]; late: number[]; left: string[] },
): Promise<void> {
  const [before, after] = [percentile(healthy, 99), percentile(late, 99)]
  const medians = `medians ${percentile(healthy, 50)} and ${percentile(late, 50)} ms`
  t.ok(after <= 2 * before, `p99 ${before} ms of ${healthy.length} GETs, ${after} ms of ${late.length}; ${medians}`)
  t.same(left, [], 'once it is back, every chunk is where it should be')
  await saveResult({
    name: `a node ${name}`,
    test: 'test/chaos/scenarios/late-nodes.ts',
    promise:
      'With one storage node hung or slow, reads are exact, and their 99th percentile under twice the healthy one',
    passed: t.passing(),
    runs: `${healthy.length} and ${late.length} GETs of 4 KiB to 9 MiB, ${READERS} at once, in ${ROUNDS} rounds`,
    result: `99th percentile ${before} ms healthy, ${after} ms with a late node (${(after / before).toFixed(2)} ×); ${medians}`,
  })
}

async function fill(client: S3Client): Promise<string[]> {
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const keys = SIZES.flatMap((size) => Array.from({ length: OBJECTS_EACH }, (_, n) => `${size}/${n}`))
  for (const key of keys) await put(client, key)
  return keys
}

/** An object's size stands in its key, and its bytes follow from that. */
async function put(client: S3Client, key: string): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes(Number.parseInt(key, 10), key) }))
}

/** Latencies in ms, to the last byte, of objects in turn. A wrong byte, or an error, is thrown. */
async function readFor(client: S3Client, keys: readonly string[], ms: number): Promise<number[]> {
  const endMs = performance.now() + ms
  const latencies: number[] = []
  const reader = async (first: number) => {
    for (let n = first; performance.now() < endMs; n += READERS)
      latencies.push(await read(client, keys[n % keys.length]!))
  }
  await Promise.all(Array.from({ length: READERS }, (_, n) => reader(n * 5)))
  return latencies
}

const expected = new Map<string, Buffer>()

async function read(client: S3Client, key: string): Promise<number> {
  const startMs = performance.now()
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  const served = await Body!.transformToByteArray()
  const tookMs = performance.now() - startMs
  const wanted = expected.get(key) ?? bytes(Number.parseInt(key, 10), key)
  expected.set(key, wanted)
  if (!wanted.equals(served)) throw new Error(`${key} was served with wrong bytes`)
  return tookMs
}

async function isWritable(client: S3Client, name: string): Promise<boolean> {
  for (const size of SIZES) {
    const key = `${size}/${name}`
    await put(client, key)
    await read(client, key)
  }
  return true
}

/** Nobody was killed and nothing was deleted: whatever was written past the late node has been repaired in time. */
async function inspectSoon(cluster: ChaosCluster): Promise<string[]> {
  const deadlineMs = performance.now() + 60_000
  for (;;) {
    const left = await inspect(cluster)
    if (left.length === 0 || performance.now() > deadlineMs) return left
    await sleep(1_000)
  }
}

function percentile(of: readonly number[], percent: number): number {
  const sorted = of.toSorted((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]! * 10) / 10
}
