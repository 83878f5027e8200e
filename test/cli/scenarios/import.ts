import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { BadSource } from '../../support/bad-source.ts'
import { StoreUnderTest } from '../../support/store.ts'
import { sextant } from '../../support/up.ts'

const MIN = 5 * 1024 * 1024
const AWKWARD = [
  'a b',
  'a+b',
  'a%2Fb',
  'a//b',
  '/',
  'Füße/✓ 日本',
  "it's (a) key!*&=?#",
  '.',
  '../up',
  'tab\tand\nline',
]

const store = new StoreUnderTest({ SEXTANT_NODES: '6' })
t.teardown(() => store[Symbol.asyncDispose]())
await store.start()
const s3 = store.client()

interface Outcome {
  ok: boolean
  copied: number
  markers: number
  present: number
  bytes: number
  failed: number
  unverified: number
  locksLeftOut: number
  retries: number
  failures: { key: string; reason: string }[]
}

function start(args: string[], { endpoint = store.announced.endpoint, env = {} as Record<string, string> } = {}) {
  const { accessKeyId, secretAccessKey } = store.announced
  return sextant(store.directory, ['import', ...args, '--endpoint', endpoint, '--json'], {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    SEXTANT_IMPORT_RETRY_SECONDS: '0.01',
    ...env,
  })
}

async function run(args: string[], options: Parameters<typeof start>[1] = {}) {
  const ended = await start(args, options).ended
  const outcome = ended.stdout.startsWith('{') ? (JSON.parse(ended.stdout) as Outcome) : undefined
  return { ...ended, outcome }
}

async function makeBucket(Bucket: string, { versions = false } = {}): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket }))
  if (versions)
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
}

const put = (Bucket: string, Key: string, Body: string | Buffer, more = {}) =>
  s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }))

type PartsOptions = Pick<
  CreateMultipartUploadCommandInput,
  'ChecksumAlgorithm' | 'Metadata' | 'ObjectLockLegalHoldStatus' | 'Tagging'
>

async function putParts(
  Bucket: string,
  Key: string,
  bodies: readonly Buffer[],
  more: PartsOptions = {},
): Promise<void> {
  const algorithm = more.ChecksumAlgorithm ? { ChecksumAlgorithm: more.ChecksumAlgorithm } : {}
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  for (const [n, Body] of bodies.entries()) {
    const PartNumber = n + 1
    const part = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...algorithm }))
    Parts.push({ ...part, PartNumber: n + 1, ETag: part.ETag })
  }
  await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
}

/** All that a bucket has, the latest first: everything but what no import can keep. */
async function contents(Bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }))
  const all = [...Versions, ...DeleteMarkers].map(async ({ Key, VersionId, LastModified, IsLatest, ...rest }) => {
    const at = LastModified!.getTime()
    if (!('ETag' in rest)) return { Key, IsLatest, at, marker: true }
    const which = { Bucket, Key, VersionId }
    const head = await s3.send(new HeadObjectCommand({ ...which, ChecksumMode: 'ENABLED' }))
    const { TagSet } = await s3.send(new GetObjectTaggingCommand(which))
    const got = await s3.send(new GetObjectCommand(which))
    const body = await got.Body!.transformToByteArray()
    const { $metadata, LastModified: _, VersionId: __, ...meta } = head
    return { Key, IsLatest, at, ...meta, TagSet, body: Buffer.from(body).toString('base64') }
  })
  // Of one key in the order in which they were written.
  const sorted = (await Promise.all(all)).sort((a, b) => (a.Key! < b.Key! ? -1 : a.Key! > b.Key! ? 1 : a.at - b.at))
  return sorted.map(({ at: _, ...rest }) => rest)
}

t.test('import: versions, markers, metadata, tags, parts and awkward keys arrive, once', async (t) => {
  await makeBucket('whole', { versions: true })
  await put('whole', 'plain', 'first', {
    ContentType: 'text/plain',
    CacheControl: 'max-age=1',
    ContentDisposition: 'attachment; filename="a b.txt"',
    ContentEncoding: 'identity',
    ContentLanguage: 'de',
    Expires: new Date('2030-01-01T00:00:00Z'),
    Metadata: { one: '1', two: Buffer.from('Grüße, 世界').toString('latin1') },
    Tagging: 'a=b%20c&d=%C3%A4%2B',
    StorageClass: 'REDUCED_REDUNDANCY',
  })
  await put('whole', 'plain', 'second', { ChecksumAlgorithm: 'SHA256' })
  await s3.send(new DeleteObjectCommand({ Bucket: 'whole', Key: 'plain' }))
  await s3.send(new DeleteObjectCommand({ Bucket: 'whole', Key: 'plain' }))
  await put('whole', 'plain', 'second')
  await put('whole', 'empty', '')
  await s3.send(new DeleteObjectCommand({ Bucket: 'whole', Key: 'only a marker' }))
  for (const key of AWKWARD) await put('whole', key, `of ${key}`)
  const parts = [randomBytes(MIN + 7), randomBytes(MIN), Buffer.from('end')]
  await putParts('whole', 'parts', parts, { Metadata: { of: 'parts' }, Tagging: 'x=y' })
  await putParts('whole', 'one part', [Buffer.from('alone')], { ChecksumAlgorithm: 'CRC32' })
  await putParts('whole', 'summed parts', parts, { ChecksumAlgorithm: 'SHA256' })

  const look = await run(['s3://whole', '--to', 'whole-2', '--dry-run'])
  t.match(look.outcome, { ok: true, copied: 7 + AWKWARD.length, markers: 3, present: 0 })
  await t.rejects(contents('whole-2'), { name: 'NoSuchBucket' }, 'a dry run makes nothing')

  const first = await run(['s3://whole', '--to', 'whole-2'])
  t.match(first, { code: 0, outcome: { ok: true, copied: 7 + AWKWARD.length, markers: 3, present: 0, unverified: 0 } })
  const copied = await contents('whole-2')
  t.same(copied, await contents('whole'))
  t.equal(copied.length, 10 + AWKWARD.length)

  await put('whole', 'plain', 'third')
  const second = await run(['s3://whole', '--to', 'whole-2'])
  t.match(second.outcome, { ok: true, copied: 1, markers: 0, present: 10 + AWKWARD.length })
  t.same(await contents('whole-2'), await contents('whole'), 'only what is new is copied')

  await put('whole-2', 'a b', 'of somebody else')
  await put('whole', 'a b', 'newer')
  const third = await run(['s3://whole', '--to', 'whole-2'])
  t.match(third, {
    code: 1,
    outcome: { copied: 0, failed: 2, failures: [{ key: 'a b', reason: /did not come from/ }] },
  })
})

t.test(
  'import --locks: retentions that are not over, and legal holds, on objects of one piece and of parts',
  async (t) => {
    const Bucket = 'locked'
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
    const soon = new Date(Date.now() + 2_000)
    const later = new Date(Math.ceil(Date.now() / 1_000) * 1_000 + 86_400_000)
    await put(Bucket, 'over', 'bytes', { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: soon })
    await put(Bucket, 'retained', 'bytes', { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: later })
    const bodies = [randomBytes(MIN), randomBytes(7)]
    await putParts(Bucket, 'held', bodies, { ObjectLockLegalHoldStatus: 'ON' })
    for (const ChecksumAlgorithm of ['CRC64NVME', 'SHA256'] as const)
      await putParts(Bucket, `held ${ChecksumAlgorithm}`, bodies, {
        ObjectLockLegalHoldStatus: 'ON',
        ChecksumAlgorithm,
      })
    await put(Bucket, 'free', 'bytes')
    await sleep(soon.getTime() + 1_500 - Date.now())

    const left = await run([`s3://${Bucket}`, '--to', 'unlocked'])
    t.match(left.outcome, { ok: true, copied: 6, locksLeftOut: 5 })
    const refused = await run([`s3://${Bucket}`, '--to', 'unlocked', '--locks'])
    t.equal(refused.code, 1)
    t.match(refused.stderr, /The bucket unlocked has no Object Lock: turn it on/)

    const toLocked = () => run([`s3://${Bucket}`, '--to', 'locked-too', '--locks'])
    const carried = await toLocked()
    t.same(carried.outcome?.failures, [])
    t.match(carried.outcome, { copied: 6, locksLeftOut: 0 })
    t.match((await toLocked()).outcome, { copied: 0, present: 6 }, 'again')
    const locks: Record<string, unknown> = {}
    for (const Key of ['over', 'retained', 'held', 'held CRC64NVME', 'held SHA256', 'free']) {
      const head = await s3.send(new HeadObjectCommand({ Bucket: 'locked-too', Key }))
      locks[Key] = [head.ObjectLockMode, head.ObjectLockRetainUntilDate?.getTime(), head.ObjectLockLegalHoldStatus]
      const asked = new DeleteObjectCommand({ Bucket: 'locked-too', Key, VersionId: head.VersionId })
      const isLocked = Key === 'retained' || Key.startsWith('held')
      if (isLocked) await t.rejects(s3.send(asked), { name: 'AccessDenied' }, Key)
    }
    t.strictSame(locks, {
      over: [undefined, undefined, undefined],
      retained: ['GOVERNANCE', later.getTime(), undefined],
      held: [undefined, undefined, 'ON'],
      'held CRC64NVME': [undefined, undefined, 'ON'],
      'held SHA256': [undefined, undefined, 'ON'],
      free: [undefined, undefined, undefined],
    })
  },
)

t.test('import: what is current only, and of a prefix', async (t) => {
  await makeBucket('now', { versions: true })
  for (const key of ['in/a', 'in/b', 'out/c']) for (const text of ['old', `new ${key}`]) await put('now', key, text)
  const first = await run(['s3://now/in/', '--to', 'now-2', '--current-only'])
  t.match(first, { code: 0, outcome: { copied: 2, markers: 0 } })
  t.same(
    (await contents('now-2')).map(({ Key }) => Key),
    ['in/a', 'in/b'],
  )
  await put('now', 'in/a', 'newest')
  await put('now-2', 'in/b', 'newer here')
  const second = await run(['s3://now/in/', '--to', 'now-2', '--current-only'])
  t.match(second, { code: 1, outcome: { copied: 1, failures: [{ key: 'in/b', reason: /newer/ }] } })
  t.match(await contents('now-2'), [{ body: Buffer.from('newest').toString('base64') }, {}])
})

t.test('import: a source that refuses, cuts off, hangs: all arrives; one that lies: nothing wrong does', async (t) => {
  await makeBucket('bad', { versions: true })
  for (let n = 0; n < 12; n++) await put('bad', `key ${n}`, randomBytes(200_000))
  await putParts('bad', 'parts', [randomBytes(MIN), randomBytes(100)])
  await using bad = await BadSource.start(store.announced.endpoint)
  const met = new Map<string, number>()
  bad.judge = (method, target) => {
    const times = (met.get(`${method} ${target}`) ?? 0) + 1
    met.set(`${method} ${target}`, times)
    const mishap = ([undefined, 'refuses', 'cuts', 'hangs', 'lies', undefined] as const)[times > 4 ? 5 : times]
    // What a listing or a head says, nothing proves.
    return mishap === 'lies' && !(method === 'GET' && /^\/bad\/[^?]/.test(target)) ? undefined : mishap
  }
  const options = { endpoint: bad.endpoint, env: { SEXTANT_IMPORT_IDLE_SECONDS: '0.3', SEXTANT_IMPORT_ATTEMPTS: '12' } }
  const all = await run(['s3://bad', '--to', 'bad-2'], options)
  t.match(all, { code: 0, outcome: { ok: true, copied: 13, failed: 0 } }, all.stderr)
  t.ok(all.outcome!.retries >= 13 * 3)
  t.same(await contents('bad-2'), await contents('bad'))

  bad.judge = (method, target) => (method === 'GET' && /\/bad\/(key%203|parts)\?/.test(target) ? 'lies' : undefined)
  const lies = await run(['s3://bad', '--to', 'bad-3'], { ...options, env: { SEXTANT_IMPORT_ATTEMPTS: '3' } })
  t.match(lies, { code: 1, outcome: { ok: false, copied: 11, failed: 2 } })
  t.same(lies.outcome!.failures.map(({ key }) => key).sort(), ['key 3', 'parts'])
  t.equal((await contents('bad-3')).length, 11)
  const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: 'bad-3' }))
  t.equal(Uploads.length, 0, 'what was begun of it is given up')
})

t.test('import --locks: an upload that was begun without them is not gone on with', async (t) => {
  for (const Bucket of ['half', 'half-2'])
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  await putParts('half', 'held', [randomBytes(MIN), randomBytes(7)], { ObjectLockLegalHoldStatus: 'ON' })
  await using bad = await BadSource.start(store.announced.endpoint)
  const args = ['s3://half', '--to', 'half-2']
  const unlocked = start(args, { endpoint: bad.endpoint })
  bad.judge = (method, target) => {
    if (method !== 'GET' || !target.includes('partNumber=2')) return undefined
    unlocked.child.kill('SIGKILL')
    return 'hangs'
  }
  t.match(await unlocked.ended, { signal: 'SIGKILL' })
  const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: 'half-2' }))
  t.equal(Uploads?.length, 1, 'it is noted')
  bad.judge = () => undefined
  t.match((await run([...args, '--locks'], { endpoint: bad.endpoint })).outcome, { copied: 1, locksLeftOut: 0 })
  const head = await s3.send(new HeadObjectCommand({ Bucket: 'half-2', Key: 'held' }))
  t.equal(head.ObjectLockLegalHoldStatus, 'ON')
})

t.test('import: a source that gives no parts, and nothing to hold the bytes against', async (t) => {
  await makeBucket('odd')
  const plain = store.client({ requestChecksumCalculation: 'WHEN_REQUIRED' })
  const Body = randomBytes(200_000)
  await plain.send(new PutObjectCommand({ Bucket: 'odd', Key: 'bare', Body, ContentEncoding: 'gzip' }))
  await putParts('odd', 'parts', [randomBytes(MIN), randomBytes(9)])
  await using bad = await BadSource.start(store.announced.endpoint)
  bad.judge = (method, target) => (method === 'HEAD' && target.includes('partNumber') ? 'denies' : undefined)
  const all = await run(['s3://odd', '--to', 'odd-2', '--etag-is-no-md5'], { endpoint: bad.endpoint })
  t.match(all, { code: 0, outcome: { ok: true, copied: 2, unverified: 2 } }, all.stderr)
  // The destination has made a checksum of what it was sent.
  const bare = async (Bucket: string) => {
    const all = (await contents(Bucket)) as { ChecksumCRC32?: string; ChecksumType?: string }[]
    return all.map(({ ChecksumCRC32: _, ChecksumType: __, ...rest }) => rest)
  }
  t.same(await bare('odd-2'), await bare('odd'), 'cut into the usual parts: the ETag is the same')
  const again = await run(['s3://odd', '--to', 'odd-2'], { endpoint: bad.endpoint })
  t.match(again, { code: 0, outcome: { copied: 0, present: 2 } })
})

t.test('import: killed again and again, it goes on, copies no version twice, and no part', async (t) => {
  await makeBucket('killed', { versions: true })
  for (let n = 0; n < 12; n++) for (const text of ['same', 'same', 'other']) await put('killed', `key ${n}`, text)
  await putParts('killed', 'large', [randomBytes(MIN), randomBytes(MIN), randomBytes(MIN), randomBytes(10)])
  await using bad = await BadSource.start(store.announced.endpoint)
  const isPart = (line: string) => /^GET \/killed\/large\?.*partNumber=/.test(line)
  const fetched = () => bad.seen.filter(isPart)
  const options = { endpoint: bad.endpoint, env: { SEXTANT_IMPORT_CONCURRENCY: '2' } }
  for (const keys of [10, 16, 16]) {
    const running = start(['s3://killed', '--to', 'killed-2'], options)
    const before = bad.seen.length
    bad.judge = () => {
      if (bad.seen.length - before > keys) running.child.kill('SIGKILL')
      return undefined
    }
    t.match(await running.ended, { signal: 'SIGKILL' })
  }
  // The last part does not come before it is killed: the others are there by then.
  const running = start(['s3://killed', '--to', 'killed-2'], options)
  bad.judge = (method, target) => {
    if (!isPart(`${method} ${target}`) || !target.includes('partNumber=4')) return undefined
    setTimeout(() => running.child.kill('SIGKILL'), 1_000)
    return 'hangs'
  }
  t.match(await running.ended, { signal: 'SIGKILL' })
  bad.judge = () => undefined
  const last = await run(['s3://killed', '--to', 'killed-2'], options)
  t.match(last, { code: 0, outcome: { ok: true, failed: 0 } }, last.stderr)
  t.same(await contents('killed-2'), await contents('killed'))
  for (const number of [1, 2]) t.equal(fetched().filter((line) => line.includes(`partNumber=${number}&`)).length, 1)
})

t.test('import: what cannot be done is told in a sentence', async (t) => {
  const nothing = await run(['s3://nowhere'])
  t.match(nothing, { code: 1, stderr: /There is no bucket nowhere at http/ })
  const wrong = await run(['nowhere'])
  t.match(wrong, { code: 2, stderr: /must be s3:\/\/BUCKET/ })
  const keyless = await run(['s3://whole'], { env: { AWS_ACCESS_KEY_ID: '', HOME: '/nonexistent' } })
  t.match(keyless, { code: 2, stderr: /There are no keys for the source/ })
  const refused = await run(['s3://whole'], { env: { AWS_SECRET_ACCESS_KEY: 'wrong' } })
  t.match(refused, { code: 1, stderr: /SignatureDoesNotMatch/ })
  await makeBucket('flat')
  await put('flat', 'a', 'b')
  const flat = await run(['s3://whole', '--to', 'flat'])
  t.match(flat, { code: 1, stderr: /turn versioning on/ })
})
