import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { bytes, md5, sha256 } from '../support/bytes.ts'
import { openSuite } from '../support/suite.ts'

const { s3, bucket } = await openSuite(t)
const MIB = 1024 * 1024
const put = (Key: string, Body: Uint8Array | string) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))
const get = async (Key: string) =>
  await (await s3.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body!.transformToByteArray()

/** Uploads and downloads share whatever lies between the gateway and the nodes: neither may hold the other up. */
for (const [count, size, rounds] of [
  [6, 12 * MIB, 1],
  [25, 200_000, 3],
] as const)
  t.test(
    `PutObject, GetObject: ${count} uploads and ${count} downloads of ${size} bytes at once: all done, byte-exact`,
    async (t) => {
      const body = bytes(size, 'at once')
      const names = Array.from({ length: count }, (_, n) => `at-once-${size}-${n}`)
      await put('source', body)
      for (let round = 0; round < rounds; round++) {
        const reads = names.map(async () => sha256(await get('source')))
        const writes = names.map(async (name) => (await put(name, body)).ETag)
        const [hashes, etags] = await Promise.all([Promise.all(reads), Promise.all(writes)])
        t.same(new Set(hashes), new Set([sha256(body)]))
        t.same(new Set(etags), new Set([`"${md5(body)}"`]))
      }
      for (const name of names.slice(0, 6)) t.equal(sha256(await get(name)), sha256(body))
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
    })().finally(() => {
      isOver = true
    })
    const readers = Array.from({ length: 4 }, async () => {
      const seen: string[] = []
      while (!isOver) seen.push(sha256(await get('changing')))
      return seen
    })
    const [, seenByEach] = await Promise.all([writing, Promise.all(readers)])
    const seen = seenByEach.flat()
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
