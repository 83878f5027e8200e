import { readFile } from 'node:fs/promises'
import { PutBucketVersioningCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { rcloneEnvironment } from '../support/client-settings.ts'
import { openClientSuite } from '../support/client-suite.ts'
import { findProgram } from '../support/program.ts'

/** rclone of Debian: versions, encryption, links. By https, for it sends no keys of its own by http. */
const suite = await openClientSuite(t, findProgram('rclone'), rcloneEnvironment, { byTls: true })
const { bucket, directory, makeFile, succeed, attempt, send, s3, target } = suite
const MIB = 1024 * 1024
const there = (path: string, name = bucket) => `store:${name}/${path}`

t.test(
  'rclone --s3-versions: former and deleted files, by their times: read, restored, deleted, cleaned up',
  async (t) => {
    const Bucket = await suite.newBucket()
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
    // At the top: this rclone finds no former version below a prefix by its name, whatever it is answered.
    for (const text of ['one', 'two', 'three']) {
      await succeed(t, ['rcat', there('a b.txt', Bucket)], Buffer.from(text))
    }
    await succeed(t, ['rcat', there('gone.txt', Bucket)], Buffer.from('gone'))
    await succeed(t, ['deletefile', there('gone.txt', Bucket)])
    const list = async (...more: string[]) =>
      (await succeed(t, ['lsf', '-R', '--files-only', ...more, there('', Bucket)])).stdout.toString().trim().split('\n')
    t.same(await list(), ['a b.txt'])
    const all = (await list('--s3-versions')).sort()
    const [first, second, now, gone] = all
    t.match(all, [/^a b-v[-\d]+\.txt$/, /^a b-v[-\d]+\.txt$/, 'a b.txt', /^gone-v[-\d]+\.txt$/])
    t.equal(all.length, 4)
    const read = async (name: string) =>
      (await succeed(t, ['cat', '--s3-versions', there(name, Bucket)])).stdout.toString()
    t.same(await Promise.all([first!, second!, now!, gone!].map(read)), ['one', 'two', 'three', 'gone'])

    await succeed(t, ['copyto', '--s3-versions', there(first!, Bucket), there('a b.txt', Bucket)])
    t.equal(await read('a b.txt'), 'one', 'restored')
    await succeed(t, ['deletefile', '--s3-versions', there(second!, Bucket)])
    const left = await list('--s3-versions')
    t.equal(left.length, 4, 'what was the latest is a former one now')
    t.notOk(left.includes(second!))
    t.equal((await succeed(t, ['backend', 'versioning', there('', Bucket)])).stdout.toString().trim(), 'Enabled')
    await succeed(t, ['backend', 'cleanup-hidden', there('', Bucket)])
    t.same(await list('--s3-versions'), ['a b.txt'])
  },
)

t.test('rclone --s3-version-at: the files of then', async (t) => {
  const Bucket = await suite.newBucket()
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  await succeed(t, ['rcat', there('k', Bucket)], Buffer.from('then'))
  const { headers } = await send({ method: 'HEAD', path: `/${Bucket}/k` })
  // Times are told in seconds: the version of then is not of the second that is named.
  const then = new Date(Date.parse(headers['last-modified']!) + 1_000)
  await new Promise((resolve) => setTimeout(resolve, then.getTime() + 50 - Date.now()))
  await succeed(t, ['rcat', there('k', Bucket)], Buffer.from('now'))
  const at = ['cat', '--s3-version-at', then.toISOString(), there('k', Bucket)]
  t.equal((await succeed(t, at)).stdout.toString(), 'then')
  t.equal((await succeed(t, ['cat', there('k', Bucket)])).stdout.toString(), 'now')
})

t.test('rclone copyto, check: SSE-S3, SSE-KMS: told by HEAD, 0 differences', async (t) => {
  const file = await makeFile('encrypted', 12 * MIB + 1)
  const kinds = [
    ['AES256', []],
    ['aws:kms', target.kmsKey === undefined ? [] : ['--s3-sse-kms-key-id', target.kmsKey]],
  ] as const
  for (const [kind, more] of kinds) {
    const parts = ['--s3-upload-cutoff', '5M', '--s3-chunk-size', '5M']
    await succeed(t, [
      'copyto',
      file,
      there(`${kind}/encrypted`),
      '--s3-server-side-encryption',
      kind,
      ...more,
      ...parts,
    ])
    const { headers } = await send({ method: 'HEAD', path: `/${bucket}/${kind}/encrypted` })
    t.equal(headers['x-amz-server-side-encryption'], kind)
    const checked = await succeed(t, ['check', '--download', '--include', 'encrypted', directory, there(kind)])
    t.match(checked.stderr, /: 0 differences found/)
  }
})

t.test(
  'rclone SSE-C: whole and in parts, copied, read by range; without the key, or with another: refused',
  async (t) => {
    const file = await makeFile('secret', 12 * MIB + 1)
    const data = await readFile(file)
    const key = (letter: string) => [
      '--s3-sse-customer-algorithm',
      'AES256',
      '--s3-sse-customer-key',
      letter.repeat(32),
    ]
    await succeed(t, ['copyto', file, there('secret/whole'), ...key('k')])
    const parts = ['--s3-upload-cutoff', '5M', '--s3-chunk-size', '5M']
    await succeed(t, ['copyto', file, there('secret/parts'), ...key('k'), ...parts])
    await succeed(t, ['copyto', there('secret/whole'), there('secret/copy'), ...key('k')])
    for (const name of ['whole', 'parts', 'copy']) {
      const { stdout } = await succeed(t, ['cat', there(`secret/${name}`), ...key('k')])
      t.equal(sha256(stdout), sha256(data), name)
    }
    const range = ['cat', '--offset', '6000000', '--count', '1000', there('secret/parts'), ...key('k')]
    t.same((await succeed(t, range)).stdout, data.subarray(6_000_000, 6_001_000))
    // What it may not read, it takes for an empty directory.
    for (const wrong of [[], key('x')]) {
      t.equal((await attempt(['cat', there('secret/whole'), ...wrong])).stdout.length, 0)
    }
  },
)

t.test('rclone link: the URL gives the file to who has no key', async (t) => {
  await succeed(t, ['rcat', there('shared/a b+ü')], bytes(1000, 'link'))
  const url = new URL((await succeed(t, ['link', '--expire', '1m', there('shared/a b+ü')])).stdout.toString().trim())
  t.match(url.search, /X-Amz-Expires=60/)
  const { body, status } = await send({ method: 'HEAD', path: `/${bucket}/shared/a%20b%2B%C3%BC` })
  t.same([status, body.length], [200, 0])
  const { stdout } = await succeed(t, ['copyurl', '--stdout', url.href])
  t.equal(sha256(stdout), sha256(bytes(1000, 'link')))
  const forged = await attempt(['copyurl', '--stdout', '--retries', '1', url.href.replace('shared', 'secret')])
  t.not(forged.code, 0)
  t.match(forged.stderr, /403/)
})
