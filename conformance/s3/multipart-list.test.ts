import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { md5 } from '../support/bytes.ts'
import { openSuite, refused, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, send } = suite
const keys = ['a', 'dir/one', 'dir/two', 'other/x', 'z', 'z']
const uploads: { Key: string; UploadId: string }[] = []
for (const Key of keys) {
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket: bucket, Key, StorageClass: 'REDUCED_REDUNDANCY' }),
  )
  uploads.push({ Key, UploadId: UploadId! })
}
const list = (input: Partial<ListMultipartUploadsCommandInput> = {}) =>
  s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, ...input }))
const keysOf = (page: Awaited<ReturnType<typeof list>>) => page.Uploads?.map(({ Key }) => Key) ?? []

t.test('ListMultipartUploads: all: by key, then by time, each with initiator, owner, date and class', async (t) => {
  const page = await list()
  t.same(keysOf(page), keys)
  t.same(
    page.Uploads!.map(({ UploadId }) => UploadId),
    uploads.map(({ UploadId }) => UploadId),
  )
  t.same([page.IsTruncated, page.MaxUploads, page.Bucket], [false, 1000, bucket])
  for (const one of page.Uploads!) {
    t.ok(one.Initiator?.ID && one.Owner?.ID)
    t.equal(one.StorageClass, 'REDUCED_REDUNDANCY')
    t.ok(Math.abs(one.Initiated!.getTime() - Date.now()) < 120_000)
  }
})

t.test('ListMultipartUploads: any prefix, and a delimiter: as for objects', async (t) => {
  t.same(keysOf(await list({ Prefix: 'dir/' })), ['dir/one', 'dir/two'])
  t.same(keysOf(await list({ Prefix: 'dir/o' })), ['dir/one'])
  t.same(keysOf(await list({ Prefix: 'nothing' })), [])
  const page = await list({ Delimiter: '/' })
  t.same(
    [keysOf(page), page.CommonPrefixes?.map(({ Prefix }) => Prefix)],
    [
      ['a', 'z', 'z'],
      ['dir/', 'other/'],
    ],
  )
})

for (const Delimiter of [undefined, '/'])
  t.test(`ListMultipartUploads: pages of 1 and 2, delimiter ${Delimiter}: together the whole, each once`, async (t) => {
    const whole = await list({ Delimiter })
    for (const MaxUploads of [1, 2]) {
      const seen: unknown[] = []
      let markers: { KeyMarker?: string; UploadIdMarker?: string } = {}
      for (;;) {
        const page = await list({ Delimiter, MaxUploads, ...markers })
        seen.push(...(page.Uploads ?? []).map(({ UploadId }) => UploadId))
        seen.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix))
        if (!page.IsTruncated) break
        if (seen.length > 20) throw new Error('endless')
        markers = {
          ...(page.NextKeyMarker && { KeyMarker: page.NextKeyMarker }),
          ...(page.NextUploadIdMarker && { UploadIdMarker: page.NextUploadIdMarker }),
        }
      }
      const expected = [
        ...whole.Uploads!.map(({ UploadId }) => UploadId),
        ...(whole.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
      ]
      t.same([...seen].sort(), expected.sort(), `max-uploads ${MaxUploads}`)
    }
  })

t.test(
  'ListMultipartUploads: key-marker alone: keys after it; with upload-id-marker: that key’s later uploads too',
  async (t) => {
    t.same(keysOf(await list({ KeyMarker: 'dir/two' })), ['other/x', 'z', 'z'])
    const firstOfZ = uploads[4]!.UploadId
    const page = await list({ KeyMarker: 'z', UploadIdMarker: firstOfZ })
    t.same(
      page.Uploads?.map(({ UploadId }) => UploadId),
      [uploads[5]!.UploadId],
    )
  },
)

t.test('ListMultipartUploads: max-uploads no number: 400; bucket not there: NoSuchBucket', async (t) => {
  refusedWire(t, await send({ method: 'GET', path: `/${bucket}?uploads&max-uploads=x` }), 400, 'InvalidArgument')
  await refused(t, list({ Bucket: suite.newBucketName() }), 404, 'NoSuchBucket')
  const root = await send({ method: 'GET', path: `/${bucket}?uploads` })
  t.match(String(root.body), /<ListMultipartUploadsResult[ >]/)
})

t.test('ListParts: five parts: by number, each with size, ETag and date; in pages of two', async (t) => {
  const { Key, UploadId } = uploads[0]!
  const bodies = [3, 1, 10_000, 2, 500].map((PartNumber) => ({ PartNumber, Body: `part ${PartNumber}` }))
  for (const { PartNumber, Body } of bodies)
    await s3.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber, Body }))
  const page = await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }))
  t.same(
    page.Parts?.map(({ PartNumber }) => PartNumber),
    [1, 2, 3, 500, 10_000],
  )
  for (const { PartNumber, Size, ETag, LastModified } of page.Parts!) {
    t.equal(Size, `part ${PartNumber}`.length)
    t.equal(ETag, `"${md5(Buffer.from(`part ${PartNumber}`))}"`)
    t.ok(LastModified instanceof Date)
  }
  t.match(page, {
    Bucket: bucket,
    Key,
    UploadId,
    IsTruncated: false,
    MaxParts: 1000,
    StorageClass: 'REDUCED_REDUNDANCY',
  })
  t.ok(page.Initiator?.ID && page.Owner?.ID)
  const first = await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId, MaxParts: 2 }))
  t.same(
    first.Parts?.map(({ PartNumber }) => PartNumber),
    [1, 2],
  )
  t.same([first.IsTruncated, first.NextPartNumberMarker], [true, '2'])
  const rest = await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId, PartNumberMarker: '2' }))
  t.same(
    rest.Parts?.map(({ PartNumber }) => PartNumber),
    [3, 500, 10_000],
  )
  const full = await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId, MaxParts: 5 }))
  t.equal(full.IsTruncated, false, 'exactly full is not truncated')
})

t.test('ListParts: an unknown upload: NoSuchUpload; max-parts no number: 400', async (t) => {
  const { Key, UploadId } = uploads[0]!
  await refused(t, s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId: 'none' })), 404, 'NoSuchUpload')
  const answer = await send({ method: 'GET', path: `/${bucket}/${Key}?uploadId=${UploadId}&max-parts=x` })
  refusedWire(t, answer, 400, 'InvalidArgument')
})

t.test('AbortMultipartUpload: one of two uploads of a key: the other stays', async (t) => {
  const [first, second] = uploads.slice(4)
  await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, ...first! }))
  const left = await list({ Prefix: 'z' })
  t.same(
    left.Uploads?.map(({ UploadId }) => UploadId),
    [second!.UploadId],
  )
})
