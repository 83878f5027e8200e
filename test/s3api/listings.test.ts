import {
  CreateBucketCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import t from 'tap'
import { continuationToken, makeToken } from '../../src/s3api/listings/continuation-token.ts'
import { encoder } from '../../src/s3api/listings/url-encoding.ts'
import { startS3 } from '../support/s3-server.ts'

const Bucket = 'bucket'

async function withKeys(keys: readonly string[]) {
  const s3 = await startS3()
  await s3.client.send(new CreateBucketCommand({ Bucket }))
  for (const Key of keys) await s3.client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  const v1 = (input: object) => s3.client.send(new ListObjectsCommand({ Bucket, ...input }))
  const v2 = (input: Partial<ListObjectsV2CommandInput>) =>
    s3.client.send(new ListObjectsV2Command({ Bucket, ...input }))
  return { s3, v1, v2, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() }
}

const names = (page: {
  Contents?: { Key?: string | undefined }[] | undefined
  CommonPrefixes?: { Prefix?: string | undefined }[] | undefined
}) => [...(page.Contents ?? []).map((each) => each.Key), ...(page.CommonPrefixes ?? []).map((each) => each.Prefix)]

t.test('ListObjects: NextMarker only with a delimiter; it may be a prefix, and all of it is skipped', async (t) => {
  await using it = await withKeys(['asdf', 'boo/bar', 'boo/baz/xyzzy', 'cquux/thud', 'cquux/bla'])
  const plain = await it.v1({ MaxKeys: 2 })
  t.match(plain, { IsTruncated: true, NextMarker: undefined, Marker: '', Prefix: '', MaxKeys: 2 })
  const first = await it.v1({ Delimiter: '/', MaxKeys: 2 })
  t.match(first, { IsTruncated: true, NextMarker: 'boo/', Delimiter: '/' })
  t.same(names(first), ['asdf', 'boo/'])
  const second = await it.v1({ Delimiter: '/', MaxKeys: 2, Marker: 'boo/' })
  t.match(second, { IsTruncated: false, Marker: 'boo/', NextMarker: undefined })
  t.same(names(second), ['cquux/'])
  t.match((await it.v1({})).Contents?.[0], {
    Owner: { DisplayName: 'root', ID: it.s3.key.account.id },
    Size: 1,
    StorageClass: 'STANDARD',
  })
})

t.test('ListObjectsV2: tokens, start-after, owner, counts', async (t) => {
  await using it = await withKeys(['a', 'b/1', 'b/2', 'c', 'd'])
  const first = await it.v2({ MaxKeys: 2, Delimiter: '/', StartAfter: '' })
  t.match(first, { KeyCount: 2, IsTruncated: true, MaxKeys: 2, Prefix: '' })
  t.same(names(first), ['a', 'b/'])
  t.equal(first.Contents?.[0]?.Owner, undefined)
  const token = first.NextContinuationToken!
  const second = await it.v2({
    MaxKeys: 2,
    Delimiter: '/',
    ContinuationToken: token,
    StartAfter: 'zzz',
    FetchOwner: true,
  })
  t.match(second, { ContinuationToken: token, StartAfter: 'zzz', IsTruncated: false, NextContinuationToken: undefined })
  t.same(names(second), ['c', 'd'], 'the token wins, and a page that is exactly full is the last')
  t.equal(second.Contents?.[0]?.Owner?.DisplayName, 'root')
  t.same(names(await it.v2({ StartAfter: 'b/1' })), ['b/2', 'c', 'd'])
  t.equal((await it.v2({ ContinuationToken: '' })).ContinuationToken, '')
  await t.rejects(it.v2({ ContinuationToken: 'made up' }), { name: 'InvalidArgument' })
  t.match(await it.v2({ MaxKeys: 0 }), { KeyCount: 0, IsTruncated: false, MaxKeys: 0 })
  t.match(await it.v2({ MaxKeys: 5000 }), { KeyCount: 5, MaxKeys: 1000 })
  await t.rejects(it.v2({ MaxKeys: -1 }), { name: 'InvalidArgument' })
})

t.test('encoding-type=url codes keys, prefixes, delimiters and markers; nothing is coded without it', async (t) => {
  const keys = ['a b+c', 'd\ne', 'ü/%', 'x&<y>']
  await using it = await withKeys(keys)
  t.same(names(await it.v2({})), keys.toSorted())
  const coded = await it.v2({ EncodingType: 'url', Delimiter: '+', Prefix: 'a ', StartAfter: 'a ' })
  t.match(coded, { EncodingType: 'url', Delimiter: '%2B', Prefix: 'a%20', StartAfter: 'a%20' })
  t.same(names(coded), ['a%20b%2B'])
  t.same(names(await it.v2({ EncodingType: 'url' })), ['a%20b%2Bc', 'd%0Ae', 'x%26%3Cy%3E', '%C3%BC/%25'])
  t.match(await it.v1({ EncodingType: 'url', Marker: 'd\n' }), { Marker: 'd%0A' })
})

t.test('any delimiter', async (t) => {
  await using it = await withKeys(['a%b', 'a%c', 'd e', 'f\ng'])
  t.same(names(await it.v2({ Delimiter: '%' })), ['d e', 'f\ng', 'a%'])
  t.same(names(await it.v2({ Delimiter: ' ' })), ['a%b', 'a%c', 'f\ng', 'd '])
  t.same(names(await it.v2({ Delimiter: '\n' })), ['a%b', 'a%c', 'd e', 'f\n'])
  t.equal((await it.v2({ Delimiter: '' })).Delimiter, undefined)
})

t.test('tokens and coding: whatever the key, it comes back', async () => {
  const key = fc.string({ unit: 'binary', maxLength: 50 }).filter((each) => each.isWellFormed())
  fc.assert(
    fc.property(key, (each) => {
      const token = makeToken(each)
      const coded = encoder('url')(each)
      return (
        continuationToken(token, 'token').after === each &&
        /^[\w\-.~%/]*$/.test(coded) &&
        decodeURIComponent(coded) === each
      )
    }),
  )
})
