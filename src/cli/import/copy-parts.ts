import { createHash } from 'node:crypto'
import { S3Failure, wrongBytes } from '../s3-client/s3-failure.ts'
import { BodyReader } from '../s3-client/streams.ts'
import {
  carriedHeaders,
  checksumOf,
  hasMd5,
  type KnownChecksum,
  noteLocks,
  type UploadOrder,
  uploadOrder,
} from './carried.ts'
import { type Errand, type ImportContext, versionQuery } from './context.ts'
import { copySplit, likelyPartBytes } from './copy-split.ts'
import { checkIdentity } from './copy-whole.ts'
import { TargetUpload, type UploadedPart } from './target-upload.ts'
import { multipartEtag } from './versions.ts'

/** A part as it is here, and the MD5 of its bytes. */
interface CopiedPart extends UploadedPart {
  md5: string
}

/**
 * Copies what was uploaded in `count` parts, part by part, so that it has the same ETag here; answers that. Parts that an
 * earlier run has copied are taken over.
 */
export async function copyParts(
  context: ImportContext,
  errand: Errand,
  count: number,
  signal: AbortSignal,
): Promise<string> {
  const { source, notes, tally } = context
  const { key, version, condition } = errand
  const head = (more: Record<string, string>) => ({
    method: 'HEAD' as const,
    bucket: source.bucket,
    key,
    query: { ...versionQuery(version), ...more },
    headers: { 'x-amz-checksum-mode': 'ENABLED' },
  })
  const { headers } = await source.endpoint.ask(head({}), signal)
  checkIdentity(errand, headers)
  if (!(await givesParts(context, head({ partNumber: '1' }), count, signal)))
    return await copySplit(context, errand, likelyPartBytes(version.sizeBytes, count), signal)
  const checksum = checksumOf(headers)
  const created = uploadOrder(await carriedHeaders(context, errand, headers, signal), checksum)
  const { upload, there } = await openUpload(context, errand, created, signal)
  try {
    const parts = await copyAll(context, errand, { upload, there, count, checksum }, signal)
    const isMd5 = context.etagsAreMd5 && hasMd5(headers)
    checkWhole(errand, parts, isMd5)
    const etag = await upload.complete(parts, condition, signal)
    notes.forget(errand)
    if (!isMd5 && !checksum) tally.unverified++
    noteLocks(context, headers)
    return etag
  } catch (error) {
    if (isHopeless(error) && !signal.aborted) {
      notes.forget(errand)
      await upload.abort()
    }
    throw error
  }
}

/** Some stores do not know `partNumber`, and answer with all of the object. */
async function givesParts(
  { source }: ImportContext,
  head: Parameters<typeof source.endpoint.ask>[0],
  count: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { headers } = await source.endpoint.ask(head, signal)
    return Number(headers['x-amz-mp-parts-count']) === count
  } catch (error) {
    if (error instanceof S3Failure && !error.isPassing) return false
    throw error
  }
}

/** The one that an earlier run has begun, with its parts, or a new one. */
async function openUpload(
  { target, notes }: ImportContext,
  errand: Errand,
  created: UploadOrder,
  signal: AbortSignal,
): Promise<{ upload: TargetUpload; there: UploadedPart[] }> {
  const known = notes.read(errand)
  if (known !== undefined) {
    const upload = new TargetUpload(target, errand.key, known, created)
    const there = await upload.parts(signal)
    if (there) return { upload, there }
  }
  const upload = await TargetUpload.create(target, errand.key, created, signal)
  notes.write(errand, upload.id)
  return { upload, there: [] }
}

interface Work {
  upload: TargetUpload
  there: readonly UploadedPart[]
  count: number
  checksum: KnownChecksum | undefined
}

/** As many at once as there are transfers free. The first that fails stops the others. */
async function copyAll(context: ImportContext, errand: Errand, work: Work, signal: AbortSignal): Promise<CopiedPart[]> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const parts = new Map(work.there.map((part) => [part.number, { ...part, md5: part.etag }]))
  context.tally.presentBytes += work.there.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const running = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  for (let number = 1; number <= work.count && !failure; number++) {
    if (parts.has(number)) continue
    const slot = await context.transfers.take(either).catch(() => undefined)
    if (!slot) break
    const one = context
      .retry(() => copyPart(context, errand, { ...work, number }, either), either)
      .then(
        (part) => void parts.set(number, part),
        (error: unknown) => {
          failure ??= { error }
          stop.abort(error)
        },
      )
      .finally(() => {
        slot[Symbol.dispose]()
        running.delete(one)
      })
    running.add(one)
  }
  await Promise.all(running)
  signal.throwIfAborted()
  if (failure) throw failure.error
  return [...parts.values()].sort((a, b) => a.number - b.number)
}

async function copyPart(
  { source, tally }: ImportContext,
  { key, version }: Errand,
  { upload, number, checksum }: Work & { number: number },
  signal: AbortSignal,
): Promise<CopiedPart> {
  const query = { ...versionQuery(version), partNumber: String(number) }
  const headers = checksum ? { 'x-amz-checksum-mode': 'ENABLED' } : {}
  const asked = { method: 'GET' as const, bucket: source.bucket, key, query, headers }
  const answer = await source.endpoint.open(asked, signal)
  const digest = createHash('md5')
  using reader = new BodyReader(answer.body, source.endpoint.name, (bytes) => {
    digest.update(bytes)
    tally.bytes += bytes.length
  })
  const sizeBytes = Number(answer.headers['content-length'])
  if (!Number.isSafeInteger(sizeBytes)) throw wrongBytes(`the source does not say how long part ${number} is`)
  const own = checksumOf(answer.headers)
  const promised = own && own.header === checksum?.header && own.value !== checksum.value ? own.value : undefined
  const body = { bytes: reader.take(Number.POSITIVE_INFINITY), sizeBytes }
  const { part, isMd5 } = await upload.put(number, body, promised, signal)
  const md5 = digest.digest('hex')
  if (isMd5 && part.etag !== md5) throw wrongBytes(`part ${number} was changed on its way to the destination`)
  return { ...part, sizeBytes, md5 }
}

/** Before anybody can see the object. */
function checkWhole({ version }: Errand, parts: readonly CopiedPart[], isMd5: boolean): void {
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  if (sizeBytes !== version.sizeBytes)
    throw wrongBytes(`its parts have ${sizeBytes} bytes, and the source listed ${version.sizeBytes}`)
  const etag = multipartEtag(parts.map(({ md5 }) => md5))
  if (isMd5 && etag !== version.etag)
    throw wrongBytes(`its parts make ETag ${etag}, and the source listed ${version.etag}`)
}

/** Going on with these parts would come to the same. */
function isHopeless(error: unknown): boolean {
  return error instanceof S3Failure && (error.code === 'WrongBytes' || error.code === 'BadDigest' || !error.isPassing)
}
