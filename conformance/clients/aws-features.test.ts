import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bytes, md5, sha256 } from '../support/bytes.ts'
import { hashOf, openClientSuite } from '../support/client-suite.ts'
import { awsEnvironment, findProgram } from '../support/program.ts'

/** The aws cli, by https as against S3 itself: versions, object lock, encryption, and what is set for a bucket. */
const suite = await openClientSuite(t, findProgram('aws'), ({ target }, home) => awsEnvironment(target, home), {
  byTls: true,
})
const { bucket, directory, makeFile, succeed, attempt, send, target } = suite
const MIB = 1024 * 1024

async function api(t: Test, operation: string, ...args: string[]) {
  const ran = await succeed(t, ['s3api', operation, '--output', 'json', ...args])
  return ran.stdout.length > 0 ? JSON.parse(ran.stdout.toString()) : {}
}

async function refused(t: Test, code: string, operation: string, ...args: string[]): Promise<void> {
  const ran = await attempt(['s3api', operation, ...args])
  t.not(ran.code, 0)
  t.match(ran.stderr, new RegExp(`\\(${code}\\)`), `${operation}: ${code}`)
}

t.test('aws s3, s3api: versions: listed, got by id, restored by a copy, deleted by id', async (t) => {
  const Bucket = await suite.newBucket()
  const at = ['--bucket', Bucket]
  const one = [...at, '--key', 'dir/a b']
  await api(t, 'put-bucket-versioning', ...at, '--versioning-configuration', 'Status=Enabled')
  t.same(await api(t, 'get-bucket-versioning', ...at), { Status: 'Enabled' })
  const [first, second] = [await makeFile('first', 1000), await makeFile('second', 2000)]
  const { VersionId: id } = await api(t, 'put-object', ...one, '--body', first)
  await succeed(t, ['s3', 'cp', '--quiet', second, `s3://${Bucket}/dir/a b`])
  await succeed(t, ['s3', 'rm', '--quiet', `s3://${Bucket}/dir/a b`])
  const { Versions, DeleteMarkers } = await api(t, 'list-object-versions', ...at, '--prefix', 'dir/')
  t.match(Versions, [
    { Size: 2000, IsLatest: false },
    { Size: 1000, VersionId: id, ETag: `"${md5(bytes(1000, 'first'))}"` },
  ])
  t.match(DeleteMarkers, [{ Key: 'dir/a b', IsLatest: true }])
  await refused(t, 'NoSuchKey', 'get-object', ...one, join(directory, 'back'))
  await api(t, 'get-object', ...one, '--version-id', id, join(directory, 'back'))
  t.equal(await hashOf(join(directory, 'back')), await hashOf(first))
  await api(t, 'copy-object', ...one, '--copy-source', `${Bucket}/dir/a b?versionId=${id}`)
  const { stdout } = await succeed(t, ['s3', 'cp', '--quiet', `s3://${Bucket}/dir/a b`, '-'])
  t.equal(sha256(stdout), await hashOf(first), 'restored')
  await api(t, 'delete-object', ...one, '--version-id', id)
  await refused(t, 'NoSuchVersion', 'get-object', ...one, '--version-id', id, join(directory, 'back'))
  // The cli takes what it listed as what is to be deleted.
  const query = '{Objects: [Versions, DeleteMarkers][][].{Key: Key, VersionId: VersionId}}'
  const all = JSON.stringify(await api(t, 'list-object-versions', ...at, '--query', query))
  t.equal((await api(t, 'delete-objects', ...at, '--delete', all)).Deleted.length, 3)
  await succeed(t, ['s3', 'rb', `s3://${Bucket}`])
})

t.test('aws s3api: object lock: default retention and legal hold are told, and kept but for a bypass', async (t) => {
  const Bucket = suite.newBucketName()
  const at = ['--bucket', Bucket]
  const one = [...at, '--key', 'k']
  await api(t, 'create-bucket', ...at, '--object-lock-enabled-for-bucket')
  const rule = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 2 } } }
  await api(t, 'put-object-lock-configuration', ...at, '--object-lock-configuration', JSON.stringify(rule))
  t.same(await api(t, 'get-object-lock-configuration', ...at), { ObjectLockConfiguration: rule })
  const file = await makeFile('locked', 9 * MIB)
  await succeed(t, ['s3', 'cp', '--quiet', file, `s3://${Bucket}/k`])
  const head = await api(t, 'head-object', ...one)
  t.match(head, { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: /^20/ }, 'also of a file sent in parts')
  const version = ['--version-id', head.VersionId]
  await refused(t, 'AccessDenied', 'delete-object', ...one, ...version)
  await api(t, 'put-object-legal-hold', ...one, '--legal-hold', 'Status=ON')
  t.same(await api(t, 'get-object-legal-hold', ...one), { LegalHold: { Status: 'ON' } })
  await refused(t, 'AccessDenied', 'delete-object', ...one, ...version, '--bypass-governance-retention')
  await api(t, 'put-object-legal-hold', ...one, '--legal-hold', 'Status=OFF')
  const [later, sooner] = [new Date(Date.now() + 9 * 86_400_000), new Date(Date.now() + 3_600_000)]
  const retention = (until: Date) => `Mode=GOVERNANCE,RetainUntilDate=${until.toISOString().slice(0, 19)}Z`
  await api(t, 'put-object-retention', ...one, '--retention', retention(later))
  const told = await api(t, 'get-object-retention', ...one)
  t.equal(Date.parse(told.Retention.RetainUntilDate), Math.floor(later.getTime() / 1000) * 1000)
  await refused(t, 'AccessDenied', 'put-object-retention', ...one, '--retention', retention(sooner))
  await api(t, 'delete-object', ...one, ...version, '--bypass-governance-retention')
  await succeed(t, ['s3', 'rb', `s3://${Bucket}`])
})

t.test(
  'aws s3 cp --sse, --sse-c: whole, in parts, from key to key; without the key, or with another: refused',
  async (t) => {
    const file = await makeFile('secret', 9 * MIB)
    const key = async (name: string) => {
      await writeFile(join(directory, name), bytes(32, name))
      return `fileb://${join(directory, name)}`
    }
    const [mine, other] = [await key('mine'), await key('other')]
    const there = (name: string) => `s3://${bucket}/${name}`
    const read = async (name: string, ...more: string[]) =>
      sha256((await succeed(t, ['s3', 'cp', '--quiet', ...more, there(name), '-'])).stdout)
    await succeed(t, ['s3', 'cp', '--quiet', '--sse-c', 'AES256', '--sse-c-key', mine, file, there('secret')])
    t.equal(await read('secret', '--sse-c', 'AES256', '--sse-c-key', mine), await hashOf(file))
    for (const wrong of [[], ['--sse-c', 'AES256', '--sse-c-key', other]]) {
      const ran = await attempt(['s3', 'cp', '--quiet', ...wrong, there('secret'), '-'])
      t.match([ran.code, ran.stdout.length], [1, 0])
    }
    const from = ['--sse-c-copy-source', 'AES256', '--sse-c-copy-source-key', mine]
    await succeed(t, [
      's3',
      'cp',
      '--quiet',
      ...from,
      '--sse-c',
      'AES256',
      '--sse-c-key',
      other,
      there('secret'),
      there('again'),
    ])
    t.equal(await read('again', '--sse-c', 'AES256', '--sse-c-key', other), await hashOf(file))
    const kms = target.kmsKey === undefined ? [] : ['--sse-kms-key-id', target.kmsKey]
    for (const [kind, more] of [
      ['AES256', []],
      ['aws:kms', kms],
    ] as const) {
      await succeed(t, ['s3', 'cp', '--quiet', '--sse', kind, ...more, file, there(kind)])
      const { headers } = await send({ method: 'HEAD', path: `/${bucket}/${kind}` })
      t.equal(headers['x-amz-server-side-encryption'], kind)
      t.equal(await read(kind), await hashOf(file))
    }
  },
)

t.test('aws s3api: policy, lifecycle, notification: told as they were set', async (t) => {
  const at = ['--bucket', bucket]
  const arn = `arn:aws:s3:::${bucket}`
  const allowed = { Effect: 'Allow', Principal: { AWS: '*' }, Action: 's3:*', Resource: [arn, `${arn}/*`] }
  const Statement = [{ ...allowed, Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }]
  const policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await api(t, 'put-bucket-policy', ...at, '--policy', policy)
  t.equal((await api(t, 'get-bucket-policy', ...at)).Policy, policy)
  const rule = { ID: 'logs', Filter: { Prefix: 'log/' }, Status: 'Enabled', Expiration: { Days: 3 } }
  const rules = ['--lifecycle-configuration', JSON.stringify({ Rules: [rule] })]
  await api(t, 'put-bucket-lifecycle-configuration', ...at, ...rules)
  t.match(await api(t, 'get-bucket-lifecycle-configuration', ...at), { Rules: [rule] })
  const Filter = { Key: { FilterRules: [{ Name: 'Prefix', Value: 'in/' }] } }
  const QueueArn = 'arn:sextant:sqs::somewhere:webhook'
  const queues = { QueueConfigurations: [{ Id: 'q', QueueArn, Events: ['s3:ObjectCreated:*'], Filter }] }
  const notification = ['--notification-configuration', JSON.stringify(queues)]
  await api(t, 'put-bucket-notification-configuration', ...at, ...notification)
  t.same(await api(t, 'get-bucket-notification-configuration', ...at), queues)
})
