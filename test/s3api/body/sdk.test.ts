import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { ask, depsAt } from '../auth/fixtures.ts'
import { captureSdk } from '../auth/sdk-capture.ts'
import { cut, open } from './framing.ts'

t.test('what the official SDK sends is authenticated, decoded and whole: buffers, streams, empty ones', async (t) => {
  await using sdk = await captureSdk()
  for (const size of [0, 1, 65_536, 200_000]) {
    const bytes = Buffer.alloc(size, 'sextant')
    const target = { Bucket: 'bucket', Key: 'key' }
    await sdk.client.send(new PutObjectCommand({ ...target, Body: bytes }))
    await sdk.client.send(new PutObjectCommand({ ...target, Body: Readable.from([bytes]), ContentLength: size }))
    await sdk.client.send(
      new UploadPartCommand({
        ...target,
        Body: Readable.from([bytes]),
        ContentLength: size,
        UploadId: 'u',
        PartNumber: 1,
      }),
    )
    const [whole, streamed, part] = sdk.captured.splice(0)
    t.equal(whole!.headers['x-amz-content-sha256']?.length, 64)
    t.equal(streamed!.headers['x-amz-content-sha256'], 'STREAMING-UNSIGNED-PAYLOAD-TRAILER')
    for (const sent of [whole!, streamed!, part!]) {
      const { payload } = await ask(sent.request, depsAt(Date.now()))
      const found = await open(cut(sent.body, [1, 2, 700, 66_000]), sent.headers, payload)
      t.ok(found.bytes.equals(bytes))
      t.equal(found.sizeBytes, size)
      if (payload.kind !== 'streaming') continue
      const expected = Buffer.alloc(4)
      expected.writeUInt32BE(crc32(bytes))
      t.same(found.trailers, { 'x-amz-checksum-crc32': expected.toString('base64') })
    }
  }
})
