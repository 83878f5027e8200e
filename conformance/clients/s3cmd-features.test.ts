import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, GetObjectRetentionCommand, ListObjectVersionsCommand } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { md5 } from '../support/bytes.ts'
import { s3cmdEnvironment, writeS3cmdSettings } from '../support/client-settings.ts'
import { hashOf, openClientSuite } from '../support/client-suite.ts'
import { findProgram } from '../support/program.ts'

/** s3cmd: versions, object lock, encryption, and what is set for a bucket. */
const suite = await openClientSuite(t, findProgram('s3cmd'), s3cmdEnvironment)
const { bucket, directory, makeFile, succeed, attempt, send, target, s3 } = suite
const MIB = 1024 * 1024
const itself = `s3://${bucket}`
const there = (path: string) => `${itself}/${path}`
await writeS3cmdSettings(directory, target)
const told = async (t: Test, ...args: string[]) => (await succeed(t, args)).stdout.toString()

async function refused(t: Test, args: string[], why: RegExp): Promise<void> {
  const { code, stderr } = await attempt(args)
  t.not(code, 0)
  t.match(stderr, why)
}

async function write(name: string, text: string): Promise<string> {
  const file = join(directory, name)
  await writeFile(file, text)
  return file
}

t.test(
  's3cmd setversioning, info: enabled, told, suspended; a file that is deleted has its version still',
  async (t) => {
    await succeed(t, ['setversioning', itself, 'enable'])
    t.match(await told(t, 'info', itself), /Versioning: *Enabled/)
    const file = await makeFile('versioned', 1000)
    await succeed(t, ['put', file, there('versioned')])
    await succeed(t, ['del', there('versioned')])
    t.equal(await told(t, 'ls', there('versioned')), '')
    const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }))
    t.match(Versions, [{ Key: 'versioned', ETag: `"${md5(await readFile(file))}"` }])
    t.match(DeleteMarkers, [{ Key: 'versioned', IsLatest: true }])
    await succeed(t, ['setversioning', itself, 'disable'])
    t.match(await told(t, 'info', itself), /Versioning: *Suspended/)
  },
)

t.test('s3cmd setobjectlegalhold, setobjectretention: kept: a version that is held cannot be deleted', async (t) => {
  const Bucket = suite.newBucketName()
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }))
  const key = `s3://${Bucket}/held`
  await succeed(t, ['put', await makeFile('held', 10), key])
  const { headers } = await send({ method: 'HEAD', path: `/${Bucket}/held` })
  const path = `/${Bucket}/held?versionId=${headers['x-amz-version-id']}`
  await succeed(t, ['setobjectlegalhold', 'ON', key])
  t.equal((await send({ method: 'DELETE', path })).status, 403)
  await succeed(t, ['setobjectlegalhold', 'OFF', key])
  const until = `${new Date(Date.now() + 86_400_000).toISOString().slice(0, 19)}Z`
  // Its exit is 1 whenever the answer is S3's, which is a 200.
  t.equal((await attempt(['setobjectretention', 'GOVERNANCE', until, key])).stderr, '')
  const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'held' }))
  t.same(Retention, { Mode: 'GOVERNANCE', RetainUntilDate: new Date(until) })
  t.equal((await send({ method: 'DELETE', path })).status, 403)
  const bypass = { 'x-amz-bypass-governance-retention': 'true' }
  t.equal((await send({ method: 'DELETE', path, headers: bypass })).status, 204)
})

t.test(
  's3cmd put --server-side-encryption: SSE-S3, SSE-KMS, whole and in parts: told, got back as it was',
  async (t) => {
    const kinds = [
      ['AES256', 1000, []],
      ['AES256', 16 * MIB, []],
      ['aws:kms', 16 * MIB, [`--server-side-encryption-kms-id=${target.kmsKey}`]],
    ] as const
    for (const [kind, size, more] of target.kmsKey === undefined ? kinds.slice(0, 2) : kinds) {
      const [file, back] = [await makeFile('plain', size), join(directory, 'back')]
      await succeed(t, ['put', '--server-side-encryption', ...more, file, there('encrypted')])
      t.match(await told(t, 'info', there('encrypted')), new RegExp(`SSE: *${kind}`))
      await succeed(t, ['get', '--force', there('encrypted'), back])
      t.equal(await hashOf(back), await hashOf(file), `${kind} ${size}`)
    }
  },
)

t.test('s3cmd settagging, gettagging, deltagging: of buckets and objects, in any script', async (t) => {
  await succeed(t, ['put', await makeFile('tagged', 10), there('tagged'), '--add-header', 'x-amz-tagging: a=b'])
  t.match(await told(t, 'gettagging', there('tagged')), /\ta:\tb\n$/)
  for (const one of [itself, there('tagged')]) {
    await succeed(t, ['settagging', one, 'größe=日本 1&a=b'])
    t.match(await told(t, 'gettagging', one), /\n\tgröße:\t日本 1\n\ta:\tb\n$/)
    await succeed(t, ['deltagging', one])
  }
  t.notMatch(await told(t, 'gettagging', there('tagged')), /\t/)
  await refused(t, ['gettagging', itself], /NoSuchTagSet/)
})

t.test(
  's3cmd setlifecycle, getlifecycle, dellifecycle, expire: rules given back; HEAD of a file tells of them',
  async (t) => {
    // As rules were written before there were filters; `expire` writes them as today.
    const what = '<Prefix>log/</Prefix><Status>Enabled</Status><Expiration><Days>3</Days></Expiration>'
    const rules = `<Rule><ID>old</ID>${what}</Rule>`
    const file = await write('lifecycle.xml', `<LifecycleConfiguration>${rules}</LifecycleConfiguration>`)
    await succeed(t, ['setlifecycle', file, itself])
    const given = (await told(t, 'getlifecycle', itself)).replace(/>\s+</g, '><')
    t.match(given, rules)
    await succeed(t, ['put', await makeFile('log', 10), there('log/a')])
    const { headers } = await send({ method: 'HEAD', path: `/${bucket}/log/a` })
    t.match(headers['x-amz-expiration'], /rule-id="old"/)
    await succeed(t, ['dellifecycle', itself])
    await refused(t, ['getlifecycle', itself], /NoSuchLifecycleConfiguration/)
    await succeed(t, ['expire', '--expiry-days=7', '--expiry-prefix=old/', itself])
    t.match(await told(t, 'info', itself), /objects with key prefix 'old\/' will expire in '7' day/)
    await succeed(t, ['expire', itself])
    t.match(await told(t, 'info', itself), /Expiration rule: none/)
  },
)

t.test(
  's3cmd setpolicy, setblockpublicaccess, delpolicy: refused while it is blocked; then anybody reads',
  async (t) => {
    await succeed(t, ['put', await makeFile('public', 10), there('public/a')])
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:GetObject',
      Resource: `arn:aws:s3:::${bucket}/public/*`,
    }
    const policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] })
    const file = await write('policy.json', policy)
    const anybody = async () => (await fetch(new URL(`/${bucket}/public/a`, target.endpoint))).status
    await refused(t, ['setpolicy', file, itself], /AccessDenied/)
    await succeed(t, ['setblockpublicaccess', itself, 'BlockPublicAcls,IgnorePublicAcls'])
    await succeed(t, ['setpolicy', file, itself])
    const info = await told(t, 'info', itself)
    t.ok(info.includes(`Policy:    ${policy}`), info)
    t.match(info, /Block Public Access: *BlockPublicAcls,IgnorePublicAcls\n/)
    t.equal(await anybody(), 200)
    await succeed(t, ['delpolicy', itself])
    t.equal(await anybody(), 403)
  },
)

t.test('s3cmd setownership, setacl: public while ACLs count, and private again', async (t) => {
  const name = suite.newBucketName()
  await succeed(t, ['mb', `s3://${name}`])
  await succeed(t, ['put', await makeFile('shown', 10), `s3://${name}/shown`])
  const anybody = async () => (await fetch(new URL(`/${name}/shown`, target.endpoint))).status
  await refused(t, ['setacl', '--acl-public', `s3://${name}/shown`], /AccessControlListNotSupported/)
  await succeed(t, ['setownership', `s3://${name}`, 'ObjectWriter'])
  await succeed(t, ['setblockpublicaccess', `s3://${name}`, ''])
  t.match(await told(t, 'info', `s3://${name}`), /Ownership: *ObjectWriter/)
  await succeed(t, ['setacl', '--acl-public', `s3://${name}/shown`])
  t.match(await told(t, 'info', `s3://${name}/shown`), /ACL: *\*anon\*: READ/)
  t.equal(await anybody(), 200)
  await succeed(t, ['setacl', '--acl-private', `s3://${name}/shown`])
  t.equal(await anybody(), 403)
})

t.test('s3cmd setcors, setnotification: told as they were set; deleted: gone', async (t) => {
  const rule = '<AllowedMethod>GET</AllowedMethod><AllowedOrigin>https://a.example.com</AllowedOrigin>'
  const cors = `<CORSConfiguration><CORSRule>${rule}</CORSRule></CORSConfiguration>`
  await succeed(t, ['setcors', await write('cors.xml', cors), itself])
  t.ok((await told(t, 'info', itself)).includes(`<CORSRule>${rule}</CORSRule>`))
  const answer = await fetch(new URL(`/${bucket}/x`, target.endpoint), { headers: { Origin: 'https://a.example.com' } })
  t.equal(answer.headers.get('access-control-allow-origin'), 'https://a.example.com')
  await succeed(t, ['delcors', itself])
  t.match(await told(t, 'info', itself), /CORS: *none/)

  const queue =
    '<QueueConfiguration><Id>q</Id><Queue>arn:sextant:sqs::somewhere:webhook</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>'
  const file = await write('notification.xml', `<NotificationConfiguration>${queue}</NotificationConfiguration>`)
  await succeed(t, ['setnotification', file, itself])
  t.ok((await told(t, 'getnotification', itself)).replace(/>\s+</g, '><').includes(queue))
  await succeed(t, ['delnotification', itself])
  t.notMatch(await told(t, 'getnotification', itself), /QueueConfiguration/)
})
