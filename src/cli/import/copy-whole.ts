import type { IncomingHttpHeaders } from 'node:http'
import { wrongBytes } from '../s3-client/s3-failure.ts'
import { BodyReader, plainBody, trailedBody, trailerHeaders } from '../s3-client/streams.ts'
import { carriedHeaders, checksumOf, etagOf, hasMd5, md5Of, noteLocks } from './carried.ts'
import { type Errand, type ImportContext, versionQuery } from './context.ts'

/** Copies what is one piece, by one GET and one PUT; answers the ETag that it has here. */
export async function copyWhole(context: ImportContext, errand: Errand, signal: AbortSignal): Promise<string> {
  using _slot = await context.transfers.take(signal)
  const { source, target, tally } = context
  const { key, version, condition } = errand
  const asked = { query: versionQuery(version), headers: { 'x-amz-checksum-mode': 'ENABLED' } }
  const { headers, body } = await source.endpoint.open({ method: 'GET', bucket: source.bucket, key, ...asked }, signal)
  using reader = new BodyReader(body, source.endpoint.name, (bytes) => {
    tally.bytes += bytes.length
  })
  checkIdentity(errand, headers)
  const carried = await carriedHeaders(context, errand, headers, signal)
  const promised = promisedBytes(context, headers)
  const isVerified = Object.keys(promised).length > 0
  const { sizeBytes } = version
  const bytes = reader.take(Number.POSITIVE_INFINITY)
  const stream = isVerified ? plainBody(bytes, sizeBytes) : trailedBody(bytes, sizeBytes, 'CRC32')
  const more = isVerified ? promised : withTrailer(carried, sizeBytes)
  const put = { method: 'PUT' as const, bucket: target.bucket, key, stream }
  const { headers: answer } = await target.endpoint.ask(
    { ...put, headers: { ...carried, ...more, ...condition } },
    signal,
  )
  if (!isVerified) tally.unverified++
  noteLocks(context, headers)
  return etagOf(answer)
}

/** That it is what was listed: the bytes may be checked against what this very answer says of them. */
export function checkIdentity({ version }: Errand, answer: IncomingHttpHeaders): void {
  const length = answer['content-length']
  if (etagOf(answer) !== version.etag)
    throw wrongBytes(`the source listed ETag ${version.etag}, and answered with ${etagOf(answer)}`)
  if (length !== undefined && Number(length) !== version.sizeBytes)
    throw wrongBytes(`the source listed ${version.sizeBytes} bytes, and answered with ${length}`)
}

/** Headers by which the destination takes nothing but the right bytes; none: the source does not say what they are. */
function promisedBytes({ etagsAreMd5 }: ImportContext, answer: IncomingHttpHeaders): Record<string, string> {
  const md5 = etagsAreMd5 && hasMd5(answer) ? md5Of(etagOf(answer)) : undefined
  const checksum = checksumOf(answer)
  return {
    ...(md5 && { 'content-md5': md5.toString('base64') }),
    ...(checksum && !checksum.isOfParts && { [checksum.header]: checksum.value }),
  }
}

function withTrailer(carried: Record<string, string>, sizeBytes: number): Record<string, string> {
  const own = trailerHeaders(sizeBytes, 'CRC32')
  const coding = carried['content-encoding']
  return coding ? { ...own, 'content-encoding': `aws-chunked,${coding}` } : own
}
