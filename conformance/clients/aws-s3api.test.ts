import { join } from 'node:path'
import t, { type Test } from 'tap'
import { bytes, md5, multipartEtag, sha256 } from '../support/bytes.ts'
import { checksum, compositeChecksum } from '../support/checksums.ts'
import { hashOf, openClientSuite } from '../support/client-suite.ts'
import { awsEnvironment, findProgram } from '../support/program.ts'

/** `aws s3api`: single operations as the aws cli sends them by default. */
const suite = await openClientSuite(t, findProgram('aws'), ({ target }, home) => awsEnvironment(target, home))
const { bucket, directory, makeFile, succeed, attempt } = suite
const MIB = 1024 * 1024

async function api(t: Test, operation: string, ...args: string[]) {
  const ran = await succeed(t, ['s3api', operation, '--bucket', bucket, '--output', 'json', ...args])
  return ran.stdout.length > 0 ? JSON.parse(ran.stdout.toString()) : {}
}

t.test('aws s3api put-object, head-object, get-object: attributes, checksum, ranges and conditions', async (t) => {
  const file = await makeFile('api', 70_000)
  const put = await api(
    t,
    'put-object',
    '--key',
    'a/b c',
    '--body',
    file,
    '--content-type',
    'text/x-api',
    '--metadata',
    'a=b,c=d',
  )
  t.equal(put.ETag, `"${md5(bytes(70_000, 'api'))}"`)
  t.equal(put.ChecksumCRC32, checksum('CRC32', bytes(70_000, 'api')), 'the checksum that the cli adds by itself')
  const head = await api(t, 'head-object', '--key', 'a/b c')
  t.match(head, { ContentLength: 70_000, ContentType: 'text/x-api', Metadata: { a: 'b', c: 'd' }, ETag: put.ETag })
  const whole = join(directory, 'whole')
  await api(t, 'get-object', '--key', 'a/b c', whole)
  t.equal(await hashOf(whole), await hashOf(file))
  const range = await api(t, 'get-object', '--key', 'a/b c', '--range', 'bytes=10-19', join(directory, 'range'))
  t.same([range.ContentLength, range.ContentRange], [10, 'bytes 10-19/70000'])
  t.equal(await hashOf(join(directory, 'range')), sha256(bytes(70_000, 'api').subarray(10, 20)))
  const unchanged = await attempt([
    's3api',
    'get-object',
    '--bucket',
    bucket,
    '--key',
    'a/b c',
    '--if-none-match',
    put.ETag,
    whole,
  ])
  t.match(unchanged.stderr, /304/)
})

t.test('aws s3api put-object --checksum-algorithm: stored and shown', async (t) => {
  const file = await makeFile('sums', 1000)
  for (const algorithm of ['SHA1', 'SHA256', 'CRC32'] as const) {
    await api(t, 'put-object', '--key', algorithm, '--body', file, '--checksum-algorithm', algorithm)
    const head = await api(t, 'head-object', '--key', algorithm, '--checksum-mode', 'ENABLED')
    t.equal(head[`Checksum${algorithm}`], checksum(algorithm, bytes(1000, 'sums')))
    t.equal(head.ChecksumType, 'FULL_OBJECT')
  }
})

t.test('aws s3api list-objects-v2, list-objects, delete-objects: awkward keys in and out', async (t) => {
  const keys = ['l/ü +', 'l/a&b', 'l/dir/x']
  for (const key of keys) await api(t, 'put-object', '--key', key)
  const listed = await api(t, 'list-objects-v2', '--prefix', 'l/')
  t.same(
    listed.Contents.map(({ Key }: { Key: string }) => Key),
    [...keys].sort(),
  )
  const folded = await api(t, 'list-objects', '--prefix', 'l/', '--delimiter', '/')
  t.same(folded.CommonPrefixes, [{ Prefix: 'l/dir/' }])
  const paged = await api(t, 'list-objects-v2', '--prefix', 'l/', '--page-size', '1')
  t.equal(paged.Contents.length, 3)
  const wanted = JSON.stringify({ Objects: keys.map((Key) => ({ Key })) })
  const gone = await api(t, 'delete-objects', '--delete', wanted)
  t.same(gone.Deleted.map(({ Key }: { Key: string }) => Key).sort(), [...keys].sort())
  t.notOk((await api(t, 'list-objects-v2', '--prefix', 'l/')).Contents)
})

t.test('aws s3api copy-object, get-bucket-location, head-bucket, list-buckets: answered', async (t) => {
  await api(t, 'put-object', '--key', 'source')
  const copy = await api(t, 'copy-object', '--key', 'copy', '--copy-source', `${bucket}/source`)
  t.equal(copy.CopyObjectResult.ETag, '"d41d8cd98f00b204e9800998ecf8427e"')
  t.equal((await api(t, 'get-bucket-location')).LocationConstraint, null)
  await api(t, 'head-bucket')
  const { stdout } = await succeed(t, ['s3api', 'list-buckets', '--output', 'json'])
  t.ok(JSON.parse(stdout.toString()).Buckets.some(({ Name }: { Name: string }) => Name === bucket))
})

t.test('aws s3api multipart: create, upload-part, upload-part-copy, list-parts, complete, abort', async (t) => {
  const Key = 'multi'
  const first = await makeFile('first', 5 * MIB)
  const created = await api(t, 'create-multipart-upload', '--key', Key, '--checksum-algorithm', 'SHA256')
  const named = ['--key', Key, '--upload-id', created.UploadId]
  const one = await api(
    t,
    'upload-part',
    ...named,
    '--part-number',
    '1',
    '--body',
    first,
    '--checksum-algorithm',
    'SHA256',
  )
  const source = await makeFile('source', 1000)
  await api(t, 'put-object', '--key', 'part-source', '--body', source)
  const two = await api(
    t,
    'upload-part-copy',
    ...named,
    '--part-number',
    '2',
    '--copy-source',
    `${bucket}/part-source`,
    '--copy-source-range',
    'bytes=10-509',
  )
  const listed = await api(t, 'list-parts', ...named)
  t.same(
    listed.Parts.map(({ PartNumber, Size }: { PartNumber: number; Size: number }) => [PartNumber, Size]),
    [
      [1, 5 * MIB],
      [2, 500],
    ],
  )
  const Parts = [
    { PartNumber: 1, ETag: one.ETag, ChecksumSHA256: one.ChecksumSHA256 },
    { PartNumber: 2, ETag: two.CopyPartResult.ETag, ChecksumSHA256: two.CopyPartResult.ChecksumSHA256 },
  ]
  const done = await api(t, 'complete-multipart-upload', ...named, '--multipart-upload', JSON.stringify({ Parts }))
  const pieces = [bytes(5 * MIB, 'first'), bytes(1000, 'source').subarray(10, 510)]
  t.equal(done.ETag, multipartEtag(pieces))
  t.equal(done.ChecksumSHA256, compositeChecksum('SHA256', pieces))
  const file = join(directory, 'joined')
  await api(t, 'get-object', '--key', Key, file)
  t.equal(await hashOf(file), sha256(Buffer.concat(pieces)))
  const second = await api(t, 'create-multipart-upload', '--key', Key)
  await api(t, 'abort-multipart-upload', '--key', Key, '--upload-id', second.UploadId)
  t.notOk((await api(t, 'list-multipart-uploads')).Uploads)
})
