import { createHash, randomBytes, randomInt } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  NoSuchKey,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { settledFsck } from '../support/fsck.ts'
import { eventually, StoreUnderTest } from '../support/store.ts'
import { kill } from '../support/up.ts'

/** How long writers write while processes are killed, in ms. */
const UNDER_FIRE_MS = Number(process.env.SEXTANT_TEST_KILL_MS ?? 60_000)
const WRITERS = 6
const MIB = 1024 * 1024
const aNode = () => `storage node ${randomInt(1, 7)}`
const VICTIMS = [() => 'gateway', () => 'PostgreSQL', aNode, aNode]
const bucket = 'under-fire'

/** What one writer knows of its own keys. */
interface History {
  /** The hash of the last acknowledged write; undefined before the first. */
  acknowledged: string | undefined
  /** Hashes of writes after it whose answer never came: they may have happened, or not. */
  uncertain: Set<string>
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function randomBody(): Buffer {
  const sizes = [0, 1, 700, 4096, 100_000, MIB, 3 * MIB + 11, 9 * MIB]
  return randomBytes(sizes[randomInt(sizes.length)]!)
}

/** Writes and overwrites a few keys of its own until told to stop. */
async function write(
  client: S3Client,
  writer: number,
  { histories, progress }: { histories: Map<string, History>; progress: { acknowledged: number } },
  stop: AbortSignal,
) {
  while (!stop.aborted) {
    const key = `${writer}/${randomInt(5)}`
    const history = histories.get(key) ?? { acknowledged: undefined, uncertain: new Set<string>() }
    histories.set(key, history)
    const body = randomBody()
    history.uncertain.add(hash(body))
    try {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
      history.acknowledged = hash(body)
      history.uncertain.clear()
      progress.acknowledged++
    } catch {
      await sleep(50)
    }
  }
}

/** Sends half of a body, then waits to be killed: never acknowledged, never whole. */
async function neverFinish(client: S3Client, key: string, stop: AbortSignal): Promise<void> {
  async function* half() {
    yield randomBytes(4 * MIB)
    await sleep(UNDER_FIRE_MS * 2, undefined, { signal: stop }).catch(() => {})
  }
  const command = new PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: Readable.from(half()),
    ContentLength: 8 * MIB,
  })
  await client.send(command, { abortSignal: stop }).catch(() => {})
}

async function readHash(client: S3Client, key: string): Promise<string | undefined> {
  try {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return hash(await Body!.transformToByteArray())
  } catch (error) {
    if (error instanceof NoSuchKey) return undefined
    throw error
  }
}

t.test('kill -9 of nodes, gateway and PostgreSQL under load: nothing acknowledged is lost', async (t) => {
  await using store = new StoreUnderTest({ SEXTANT_ORPHAN_AGE_SECONDS: '0' })
  await store.start()
  let client = store.client({ maxAttempts: 1 })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  const upload = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: 'resumed' }))
  const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(12345)]
  const sendPart = (number: number) =>
    client.send(
      new UploadPartCommand({
        Bucket: bucket,
        Key: 'resumed',
        UploadId: upload.UploadId,
        PartNumber: number,
        Body: parts[number - 1]!,
      }),
    )
  await sendPart(1)

  const stop = new AbortController()
  const histories = new Map<string, History>()
  const progress = { acknowledged: 0 }
  const writers = Array.from({ length: WRITERS }, (_, n) => write(client, n, { histories, progress }, stop.signal))
  const unfinished = neverFinish(client, 'never-finished', stop.signal)
  const killed: string[] = []
  const deadline = Date.now() + UNDER_FIRE_MS
  for (let round = 0; Date.now() < deadline || killed.length < VICTIMS.length; round++) {
    const acknowledged = progress.acknowledged
    await eventually('writes go on after a kill', 60_000, async () => progress.acknowledged > acknowledged + WRITERS)
    const victim = VICTIMS[round % VICTIMS.length]!()
    const pid = store.processes().get(victim)
    if (pid === undefined) continue
    kill(pid, 'SIGKILL')
    killed.push(victim)
  }
  await sleep(1000)
  await store.killAll()
  stop.abort()
  await Promise.all(writers)
  await unfinished
  t.comment(`${progress.acknowledged} writes were acknowledged, ${killed.length} processes killed`)

  await store.start()
  client = store.client({ maxAttempts: 1 })
  for (const [key, { acknowledged: last, uncertain }] of histories) {
    const found = await readHash(client, key)
    t.ok(
      found === last || (found !== undefined && uncertain.has(found)),
      `${key} is the last acknowledged write, or a later one`,
    )
  }
  const listed = await client.send(new ListObjectsV2Command({ Bucket: bucket }))
  const keys = (listed.Contents ?? []).map(({ Key }) => Key)
  t.notOk(keys.includes('never-finished'), 'an unfinished upload is not visible')
  t.same(
    keys.filter((key) => !histories.has(key!)),
    [],
    'nothing else is visible',
  )

  const before = await client.send(new ListPartsCommand({ Bucket: bucket, Key: 'resumed', UploadId: upload.UploadId }))
  t.same(
    before.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size]),
    [[1, 5 * MIB]],
    'the upload can be resumed',
  )
  await sendPart(2)
  await sendPart(3)
  const after = await client.send(new ListPartsCommand({ Bucket: bucket, Key: 'resumed', UploadId: upload.UploadId }))
  await client.send(
    new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: 'resumed',
      UploadId: upload.UploadId,
      MultipartUpload: { Parts: after.Parts!.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) },
    }),
  )
  t.equal(await readHash(client, 'resumed'), hash(Buffer.concat(parts)), 'the resumed upload is byte-exact')
  const { ok, missing, damaged, orphans, tables, problems } = await settledFsck(store.directory, 120_000)
  t.match({ ok, missing, damaged, orphans, tables, problems }, { ok: true, orphans: { chunks: 0 }, tables: [] })
})
