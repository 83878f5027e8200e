import { Readable } from 'node:stream'
import { GetObjectCommand, HeadObjectCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import t from 'tap'
import { bytes, multipartEtag, sha256 } from '../support/bytes.ts'
import { openSuite } from '../support/suite.ts'

const { s3, bucket } = await openSuite(t)
const MIB = 1024 * 1024

async function* inPieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

t.test(
  'Upload of lib-storage: a stream of unknown length, four parts at once: the same bytes, S3’s ETag',
  async (t) => {
    const data = bytes(17 * MIB + 11, 'lib')
    const Body = Readable.from(inPieces(data, 300_001), { objectMode: false })
    const params = { Bucket: bucket, Key: 'stream', Body, ContentType: 'text/x-lib' }
    const done = await new Upload({ client: s3, params, partSize: 5 * MIB, queueSize: 4 }).done()
    const parts = [0, 5, 10, 15].map((n) => data.subarray(n * MIB, (n + 5) * MIB))
    t.equal(done.ETag, multipartEtag(parts))
    const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'stream' }))
    t.equal(got.ContentType, 'text/x-lib')
    t.equal(sha256(await got.Body!.transformToByteArray()), sha256(data))
  },
)

t.test('Upload of lib-storage: small and empty bodies: plain objects', async (t) => {
  for (const size of [0, 1, 5 * MIB - 1]) {
    const data = bytes(size, 'small')
    const Key = `small-${size}`
    await new Upload({ client: s3, params: { Bucket: bucket, Key, Body: data } }).done()
    const got = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))
    t.equal(sha256(await got.Body!.transformToByteArray()), sha256(data))
  }
})

t.test('Upload of lib-storage: aborted on the way: no object, no upload left', async (t) => {
  const data = bytes(12 * MIB, 'aborted')
  async function* stalls() {
    yield data.subarray(0, 6 * MIB)
    queueMicrotask(() => void upload.abort())
    await new Promise((resolve) => setTimeout(resolve, 200))
    yield data.subarray(6 * MIB)
  }
  const params = { Bucket: bucket, Key: 'aborted', Body: Readable.from(stalls(), { objectMode: false }) }
  const upload = new Upload({ client: s3, params, partSize: 5 * MIB })
  await t.rejects(upload.done(), { name: 'AbortError' })
  await t.rejects(s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'aborted' })), { name: 'NotFound' })
  const left = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
  t.same(left.Uploads ?? [], [])
})
