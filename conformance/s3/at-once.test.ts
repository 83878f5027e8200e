import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, sha256 } from '../support/bytes.ts'
import { openSuite } from '../support/suite.ts'

const { s3, bucket } = await openSuite(t)
const MIB = 1024 * 1024
const put = (Key: string, Body: Uint8Array | string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
const get = async (Key: string) =>
  await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body!.transformToByteArray()

t.test(
  'PutObject, GetObject: six large uploads and six large downloads at once: none waits for another, all byte-exact',
  async (t) => {
    const body = bytes(12 * MIB, 'at once')
    await put('source', body)
    const reads = Array.from({ length: 6 }, async () => sha256(await get('source')))
    const writes = Array.from({ length: 6 }, (_, n) => put(`copy-${n}`, body))
    t.same(new Set(await Promise.all(reads)), new Set([sha256(body)]))
    const etags = (await Promise.all(writes)).map(({ ETag }) => ETag)
    t.equal(new Set(etags).size, 1)
    for (let n = 0; n < 6; n++) t.equal(sha256(await get(`copy-${n}`)), sha256(body))
  },
)

t.test(
  'PutObject, GetObject: one key overwritten again and again while it is read: every read is one whole version',
  async (t) => {
    const versions = Array.from({ length: 8 }, (_, n) => bytes(300_000 + n * 70_000, `version ${n}`))
    const known = new Set(versions.map((version) => sha256(version)))
    await put('changing', versions[0]!)
    let isOver = false
    const writing = (async () => {
      for (let round = 0; round < 5; round++) for (const version of versions) await put('changing', version)
      isOver = true
    })()
    const readers = Array.from({ length: 4 }, async () => {
      const seen: string[] = []
      while (!isOver) seen.push(sha256(await get('changing')))
      return seen
    })
    await writing
    const seen = (await Promise.all(readers)).flat()
    t.ok(seen.length > 4, `${seen.length} reads`)
    t.same(
      seen.filter((hash) => !known.has(hash)),
      [],
      'no read mixes two versions',
    )
    t.equal(sha256(await get('changing')), sha256(versions.at(-1)!), 'the last write stays')
  },
)

t.test(
  'PutObject, ListObjectsV2, DeleteObject: what is acknowledged is listed at once, what is deleted is not',
  async (t) => {
    await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const Key = `listed/${n}`
        const list = async () =>
          (await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key, Delimiter: '/' }))).Contents ?? []
        await put(Key, 'x')
        t.ok(
          (await list()).some((one) => one.Key === Key),
          `${Key} listed`,
        )
        await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }))
        t.notOk(
          (await list()).some((one) => one.Key === Key),
          `${Key} gone`,
        )
      }),
    )
  },
)
