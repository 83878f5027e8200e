import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { bytes } from '../../conformance/support/bytes.ts'
import type { StoreUnderTest } from '../support/store.ts'

export interface RoughTally {
  done: number
  /** Sentences: what was answered otherwise than it must be. */
  failures: string[]
}

const MIB = 1024 * 1024
const LISTED = 300
const PART = bytes(5 * MIB, 'part')
const LARGE = bytes(16 * MIB, 'large')
const VERSIONS = 5
const FAILURES_MAX = 20
/** The SDK tells of each request that breaks off. */
const SILENT = { debug() {}, info() {}, warn() {}, error() {} }
/** After which a client that sent half of its body goes away. */
const HALF_SENT_MS = 500

/**
 * What clients do beside reading and writing whole objects: uploads in parts, given up and completed, connections that break
 * off both ways, versions, long listings, conditions, wrong secrets. Each `worker` goes on until `signal`, and looks at every
 * answer. Whatever they write they delete.
 */
export async function roughClients(store: StoreUnderTest, workers: number, signal: AbortSignal): Promise<RoughTally> {
  const s3 = store.client({ logger: SILENT })
  const tally: RoughTally = { done: 0, failures: [] }
  await s3.send(new CreateBucketCommand({ Bucket: 'rough' }))
  await s3.send(new CreateBucketCommand({ Bucket: 'versions' }))
  const Status = { VersioningConfiguration: { Status: 'Enabled' as const } }
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'versions', ...Status }))
  await s3.send(new PutObjectCommand({ Bucket: 'rough', Key: 'large', Body: LARGE }))
  for (let n = 0; n < LISTED; n++) {
    await s3.send(new PutObjectCommand({ Bucket: 'rough', Key: `listed/${n % 10}/${n}`, Body: `${n}` }))
  }
  const works = Object.entries(worksOf(s3, store))
  const work = async (worker: number) => {
    for (let n = worker; !signal.aborted; n++) {
      const [name, run] = works[n % works.length]!
      try {
        const wrong = await run(`${worker}`)
        if (wrong !== undefined) throw new Error(wrong)
        tally.done += 1
      } catch (error) {
        if (tally.failures.length < FAILURES_MAX) tally.failures.push(`${name}: ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)))
  s3.destroy()
  return tally
}

/** Each answers what was wrong, if anything. */
function worksOf(s3: S3Client, store: StoreUnderTest): Record<string, (name: string) => Promise<string | undefined>> {
  const Bucket = 'rough'
  const stranger = store.client({
    credentials: { accessKeyId: store.announced.accessKeyId, secretAccessKey: 'not the secret, whatever it is' },
    maxAttempts: 1,
  })
  const codeOf = (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => 'none',
      (error: Error) => error.name,
    )
  return {
    async 'upload in parts'(name) {
      const Key = `parts/${name}`
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
      const bodies = [PART, PART, PART.subarray(0, 1000)]
      const Parts = await Promise.all(
        bodies.map(async (Body, i) => {
          const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body }))
          return { PartNumber: i + 1, ETag }
        }),
      )
      await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
      const Range = `bytes=${PART.length - 500}-${PART.length + 499}`
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }))
      const wanted = Buffer.concat([PART.subarray(-500), PART.subarray(0, 500)])
      const isExact = wanted.equals(await Body!.transformToByteArray())
      await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }))
      return isExact ? undefined : 'other bytes'
    },
    async 'upload in parts that is given up'(name) {
      const Key = `given-up/${name}`
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }))
      await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: PART }))
      await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }))
      return undefined
    },
    async 'upload that breaks off'(name) {
      const Key = `broken-off/${name}`
      const Body = Readable.from(halfOf(PART))
      Body.on('error', () => {}) // the client's own, when it is given up
      const put = new PutObjectCommand({ Bucket, Key, Body, ContentLength: PART.length })
      const code = await codeOf(s3.send(put, { abortSignal: AbortSignal.timeout(HALF_SENT_MS) }))
      Body.destroy()
      if (code === 'none') return 'it was acknowledged'
      const found = await codeOf(s3.send(new HeadObjectCommand({ Bucket, Key })))
      return found === 'NotFound' ? undefined : `its object: ${found}`
    },
    async 'download that breaks off'() {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }))
      const stream = Body as Readable
      for await (const piece of stream) {
        const isExact = LARGE.subarray(0, piece.length).equals(piece)
        stream.destroy()
        return isExact ? undefined : 'other bytes'
      }
      return 'no bytes'
    },
    async 'listing in pages'() {
      let keys = 0
      let ContinuationToken: string | undefined
      do {
        const page = await s3.send(
          new ListObjectsV2Command({ Bucket, Prefix: 'listed/', MaxKeys: 70, ContinuationToken }),
        )
        keys += page.Contents?.length ?? 0
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
      return keys === LISTED ? undefined : `${keys} keys`
    },
    async versions(name) {
      const of = { Bucket: 'versions', Prefix: `${name}/` }
      for (let n = 0; n < VERSIONS; n++)
        await s3.send(new PutObjectCommand({ Bucket: of.Bucket, Key: `${name}/key`, Body: bytes(20_000, `${n}`) }))
      const { Versions = [] } = await s3.send(new ListObjectVersionsCommand(of))
      const Objects = Versions.map(({ Key, VersionId }) => ({ Key, VersionId }))
      await s3.send(new DeleteObjectsCommand({ Bucket: of.Bucket, Delete: { Objects } }))
      return Versions.length === VERSIONS ? undefined : `${Versions.length} versions`
    },
    async conditions(name) {
      const asked = { Bucket, Key: `once/${name}`, Body: 'once', IfNoneMatch: '*' }
      await s3.send(new PutObjectCommand(asked))
      const code = await codeOf(s3.send(new PutObjectCommand(asked)))
      await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: asked.Key }] } }))
      return code === 'PreconditionFailed' ? undefined : code
    },
    async 'wrong secret'() {
      const code = await codeOf(stranger.send(new PutObjectCommand({ Bucket, Key: 'forged', Body: 'forged' })))
      return code === 'SignatureDoesNotMatch' ? undefined : code
    },
  }
}

/** And then nothing, until it is given up. */
async function* halfOf(whole: Buffer): AsyncGenerator<Buffer> {
  yield whole.subarray(0, whole.length / 2)
  await new Promise(() => {})
}
