import { createHash } from 'node:crypto'
import { limits } from '../../base/limits.ts'
import { wrongBytes } from '../s3-client/s3-failure.ts'
import { BodyReader } from '../s3-client/streams.ts'
import { carriedHeaders, checksumOf, hasMd5, md5Of, noteLocks, uploadOrder } from './carried.ts'
import { type Errand, type ImportContext, versionQuery } from './context.ts'
import { checkIdentity } from './copy-whole.ts'
import { TargetUpload, type UploadedPart } from './target-upload.ts'
import { multipartEtag } from './versions.ts'

const MIB = 1024 * 1024
/** What clients cut objects into: those of AWS first. */
const USUAL_PART_MIB = [8, 16, 5, 64, 10, 15, 32, 50, 100, 128, 256, 512, 1024]

/** The size of parts by which an object of that size has so many. */
export function likelyPartBytes(sizeBytes: number, count: number): number {
  const usual = USUAL_PART_MIB.map((mib) => mib * MIB).find((bytes) => Math.ceil(sizeBytes / bytes) === count)
  return usual ?? Math.max(limits.partBytesMin, Math.ceil(sizeBytes / count / MIB) * MIB)
}

/**
 * Copies by one GET what the source does not give in parts, and what is too large for one PUT; answers its ETag here. It is
 * completed only if the bytes are right, as far as the source says what they are.
 */
export async function copySplit(
  context: ImportContext,
  errand: Errand,
  partBytes: number,
  signal: AbortSignal,
): Promise<string> {
  using _slot = await context.transfers.take(signal)
  const { source, target, tally } = context
  const { key, version, condition } = errand
  const asked = { query: versionQuery(version), headers: { 'x-amz-checksum-mode': 'ENABLED' } }
  const { headers, body } = await source.endpoint.open({ method: 'GET', bucket: source.bucket, key, ...asked }, signal)
  const whole = createHash('md5')
  const md5s: string[] = []
  let part = createHash('md5')
  using reader = new BodyReader(body, source.endpoint.name, (bytes) => {
    whole.update(bytes)
    part.update(bytes)
    tally.bytes += bytes.length
  })
  checkIdentity(errand, headers)
  const known = checksumOf(headers)
  const checksum = known?.isOfParts ? undefined : known
  const created = uploadOrder(await carriedHeaders(context, errand, headers, signal), checksum)
  const upload = await TargetUpload.create(target, key, created, signal)
  try {
    const parts: UploadedPart[] = []
    for (let at = 0, number = 1; at < version.sizeBytes || number === 1; at += partBytes, number++) {
      const sizeBytes = Math.min(partBytes, version.sizeBytes - at)
      part = createHash('md5')
      const put = await upload.put(number, { bytes: reader.take(sizeBytes), sizeBytes }, undefined, signal)
      const md5 = part.digest('hex')
      if (put.isMd5 && put.part.etag !== md5) throw wrongBytes(`part ${number} was changed on its way`)
      md5s.push(md5)
      parts.push({ ...put.part, sizeBytes })
    }
    const isSure = isProven(context, errand, { isMd5: hasMd5(headers), whole: whole.digest(), md5s })
    const etag = await upload.complete(parts, condition, signal)
    if (!isSure && !checksum) tally.unverified++
    noteLocks(context, headers)
    return etag
  } catch (error) {
    await upload.abort()
    throw error
  }
}

/** False: the source's ETag says nothing that can be compared. Throws where it says that the bytes are wrong. */
function isProven(
  { etagsAreMd5 }: ImportContext,
  { version }: Errand,
  { isMd5, whole, md5s }: { isMd5: boolean; whole: Buffer; md5s: readonly string[] },
): boolean {
  if (!etagsAreMd5 || !isMd5) return false
  const md5 = md5Of(version.etag)
  if (md5 && !md5.equals(whole))
    throw wrongBytes(`its bytes have MD5 ${whole.toString('hex')}, and its ETag is ${version.etag}`)
  if (md5) return true
  // Where the parts were cut is guessed: other ones have another ETag.
  return multipartEtag(md5s) === version.etag
}
