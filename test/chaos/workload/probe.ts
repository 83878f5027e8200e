import { setTimeout as sleep } from 'node:timers/promises'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { bytes } from '../../../conformance/support/bytes.ts'
import { execute } from '../../support/postgres.ts'
import type { ChaosCluster, GatewayMember } from '../cluster/cluster.ts'
import { s3Client } from './run-clients.ts'

const PROBES = 'probes'
const GIVEN_UP_MS = 60_000
/** A probe that takes longer is no sign of life. */
const PROBE_MS_MAX = 3_000

/** Makes the bucket of the probes. */
export async function openProbes(cluster: ChaosCluster): Promise<void> {
  const client = s3Client(cluster, cluster.gateways[0]!)
  await client.send(new CreateBucketCommand({ Bucket: PROBES }))
  client.destroy()
}

/** In ms since it was asked. */
export interface Revival {
  /** The first object was taken whole, and served. */
  aliveMs: number
  /** Objects had been taken to every node: those that were late are passed over for a while longer. */
  allNodesMs: number
}

/** Waits until a gateway lives, and uses every node. Infinity for what does not come within a minute. */
export async function awaitRevival(cluster: ChaosCluster, gateway: GatewayMember): Promise<Revival> {
  const client = s3Client(cluster, gateway)
  const startMs = performance.now()
  const sinceMs = () => Math.round(performance.now() - startMs)
  const used = new Set<number>()
  let aliveMs = Number.POSITIVE_INFINITY
  try {
    for (let attempt = 0; sinceMs() < GIVEN_UP_MS; attempt++) {
      const key = `${gateway.name}/${Math.round(startMs)}/${attempt}`
      for (const server of await probe(cluster, client, key)) used.add(server)
      if (used.size > 0) aliveMs = Math.min(aliveMs, sinceMs())
      if (used.size === cluster.nodes.length) return { aliveMs, allNodesMs: sinceMs() }
      await sleep(100)
    }
    return { aliveMs, allNodesMs: Number.POSITIVE_INFINITY }
  } finally {
    client.destroy()
  }
}

/** The later of all. */
export function latest(revivals: readonly Revival[]): Revival {
  return {
    aliveMs: Math.max(...revivals.map(({ aliveMs }) => aliveMs)),
    allNodesMs: Math.max(...revivals.map(({ allNodesMs }) => allNodesMs)),
  }
}

/** Puts, gets and deletes an object. Answers where its chunks were; nothing, if anything failed or one was missing. */
async function probe(cluster: ChaosCluster, client: S3Client, key: string): Promise<number[]> {
  const object = { Bucket: PROBES, Key: key }
  const abortSignal = AbortSignal.timeout(PROBE_MS_MAX)
  try {
    const Body = bytes(50_000, key)
    await client.send(new PutObjectCommand({ ...object, Body }), { abortSignal })
    const answer = await client.send(new GetObjectCommand(object), { abortSignal })
    const isServed = Body.equals(await answer.Body!.transformToByteArray())
    const rows = await execute(
      cluster.databaseUrl,
      'select p.servers from objects o join parts p on p.part_id = o.part_ids[1] where o.key = $1',
      [key],
    )
    await client.send(new DeleteObjectCommand(object), { abortSignal })
    const servers = rows[0]?.servers as number[]
    return isServed && !servers.includes(0) ? servers : []
  } catch {
    return []
  }
}
