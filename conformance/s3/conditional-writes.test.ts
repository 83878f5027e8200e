import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { openSuite, refused, refusedWire } from '../support/suite.ts'

const { s3, bucket, send } = await openSuite(t)
const read = async (Key: string) =>
  (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body!.transformToString()
const put = (Key: string, Body: string, condition: { IfMatch?: string; IfNoneMatch?: string } = {}) =>
  s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...condition }))

t.test('PutObject: If-None-Match * on a free key: written; on a taken one: 412 and the old bytes stay', async (t) => {
  t.equal((await put('fresh', 'first', { IfNoneMatch: '*' })).$metadata.httpStatusCode, 200)
  await refused(t, put('fresh', 'second', { IfNoneMatch: '*' }), 412, 'PreconditionFailed')
  t.equal(await read('fresh'), 'first')
})

t.test('PutObject: If-Match the current ETag, quoted or bare: written; an old one: 412 (quirk 9)', async (t) => {
  const first = await put('swap', 'one')
  const second = await put('swap', 'two', { IfMatch: first.ETag! })
  await refused(t, put('swap', 'three', { IfMatch: first.ETag! }), 412, 'PreconditionFailed')
  t.equal(await read('swap'), 'two')
  await put('swap', 'four', { IfMatch: second.ETag!.replaceAll('"', '') })
  t.equal(await read('swap'), 'four')
})

t.test('PutObject: If-Match on a key that is not there: 404 NoSuchKey, and nothing appears (quirk 16)', async (t) => {
  await refused(t, put('never', 'x', { IfMatch: '"d41d8cd98f00b204e9800998ecf8427e"' }), 404, 'NoSuchKey')
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/never` })).status, 404)
})

t.test('PutObject: If-None-Match with an ETag instead of *: 501 NotImplemented', async (t) => {
  const answer = await send({
    method: 'PUT',
    path: `/${bucket}/etag`,
    body: 'x',
    headers: { 'If-None-Match': '"abc"' },
  })
  refusedWire(t, answer, 501, 'NotImplemented')
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/etag` })).status, 404)
})

const ROUNDS = 20
const RACERS = 20

t.test(
  `PutObject: ${RACERS} at once with If-None-Match *, ${ROUNDS} rounds: exactly one wins, and its bytes are there`,
  async (t) => {
    for (let round = 0; round < ROUNDS; round++) {
      const key = `race-new-${round}`
      const winners = await race((racer) => put(key, `racer ${racer}`, { IfNoneMatch: '*' }))
      t.equal(winners.length, 1, `round ${round}`)
      t.equal(await read(key), `racer ${winners[0]}`)
    }
  },
)

t.test(`PutObject: ${RACERS} at once with If-Match the same ETag, ${ROUNDS} rounds: exactly one wins`, async (t) => {
  let etag = (await put('race-swap', 'start')).ETag!
  for (let round = 0; round < ROUNDS; round++) {
    const winners = await race((racer) => put('race-swap', `${round}/${racer}`, { IfMatch: etag }))
    t.equal(winners.length, 1, `round ${round}`)
    const now = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'race-swap' }))
    t.equal(await now.Body!.transformToString(), `${round}/${winners[0]}`)
    etag = now.ETag!
  }
})

/** The racers that won; every other one must have been refused by 412 or 409, nothing else. */
async function race(run: (racer: number) => Promise<unknown>): Promise<number[]> {
  const results = await Promise.allSettled(Array.from({ length: RACERS }, (_, racer) => run(racer)))
  const winners: number[] = []
  for (const [racer, result] of results.entries()) {
    if (result.status === 'fulfilled') winners.push(racer)
    else if (!['PreconditionFailed', 'ConditionalRequestConflict'].includes(result.reason.name)) throw result.reason
  }
  return winners
}

async function uploadOf(Key: string, Body: string) {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }))
  const part = await s3.send(new UploadPartCommand({ Bucket: bucket, Key, UploadId, PartNumber: 1, Body }))
  const named = { Bucket: bucket, Key, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] } }
  return {
    complete: (condition: { IfMatch?: string; IfNoneMatch?: string }) =>
      s3.send(new CompleteMultipartUploadCommand({ ...named, ...condition })),
    abort: () => s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })),
  }
}

t.test('CompleteMultipartUpload: If-None-Match * on a taken key: 412; free: completed (quirk 16)', async (t) => {
  await put('complete-new', 'plain')
  const refusedUpload = await uploadOf('complete-new', 'parts')
  await refused(t, refusedUpload.complete({ IfNoneMatch: '*' }), 412, 'PreconditionFailed')
  t.equal(await read('complete-new'), 'plain')
  await refusedUpload.abort()
  const free = await uploadOf('complete-free', 'parts')
  await free.complete({ IfNoneMatch: '*' })
  t.equal(await read('complete-free'), 'parts')
})

t.test(
  'CompleteMultipartUpload: If-Match: the current ETag completes, an old one is 412, no object is 404 (quirk 16)',
  async (t) => {
    const { ETag } = await put('complete-swap', 'plain')
    const stale = await uploadOf('complete-swap', 'stale')
    await refused(t, stale.complete({ IfMatch: '"0123"' }), 412, 'PreconditionFailed')
    await stale.abort()
    const fitting = await uploadOf('complete-swap', 'fitting')
    await fitting.complete({ IfMatch: ETag! })
    t.equal(await read('complete-swap'), 'fitting')
    const nothing = await uploadOf('complete-nothing', 'x')
    await refused(t, nothing.complete({ IfMatch: ETag! }), 404, 'NoSuchKey')
    await nothing.abort()
  },
)

t.test('CompleteMultipartUpload: ten uploads of one key at once with If-None-Match *: exactly one wins', async (t) => {
  const uploads = await Promise.all(Array.from({ length: 10 }, (_, n) => uploadOf('complete-race', `upload ${n}`)))
  const results = await Promise.allSettled(uploads.map((upload) => upload.complete({ IfNoneMatch: '*' })))
  const winners = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []))
  t.equal(winners.length, 1)
  t.equal(await read('complete-race'), `upload ${winners[0]}`)
  for (const [n, upload] of uploads.entries()) if (n !== winners[0]) await upload.abort()
})
