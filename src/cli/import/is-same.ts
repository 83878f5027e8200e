import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { noAnswer } from '../s3-client/s3-failure.ts'
import { checksumOf, hasMd5, md5Of } from './carried.ts'
import { type ImportContext, type Place, versionQuery } from './context.ts'
import type { IsSame } from './match-history.ts'
import type { ListedVersion } from './versions.ts'

/**
 * Whether a version here holds what one of the source holds. ETags and sizes say so nearly always; where the ETags differ, and
 * may be made differently of the same bytes (KMS, other parts), checksums do, and at last the bytes themselves.
 */
export function sameContent(context: ImportContext, key: string, signal: AbortSignal): IsSame {
  return async (source, here) => {
    if (source.isMarker || here.isMarker) return source.isMarker && here.isMarker
    if (source.sizeBytes !== here.sizeBytes) return false
    if (source.etag === here.etag) return true
    const [theirs, ours] = await Promise.all([
      headOf(context.source, key, source, signal),
      headOf(context.target, key, here, signal),
    ])
    if (context.etagsAreMd5 && isMd5(source, theirs) && isMd5(here, ours)) return false
    const byChecksum = compareChecksums(theirs, ours)
    if (byChecksum !== undefined) return byChecksum
    const [one, other] = await Promise.all([
      digestOf(context.source, key, source, signal),
      digestOf(context.target, key, here, signal),
    ])
    return one === other
  }
}

async function headOf({ endpoint, bucket }: Place, key: string, version: ListedVersion, signal: AbortSignal) {
  const asked = { query: versionQuery(version), headers: { 'x-amz-checksum-mode': 'ENABLED' } }
  const { headers } = await endpoint.ask({ method: 'HEAD', bucket, key, ...asked }, signal)
  return headers
}

function isMd5({ etag }: ListedVersion, headers: IncomingHttpHeaders): boolean {
  return md5Of(etag) !== undefined && hasMd5(headers)
}

/** Undefined: they have none of one kind. */
function compareChecksums(one: IncomingHttpHeaders, other: IncomingHttpHeaders): boolean | undefined {
  const [a, b] = [checksumOf(one), checksumOf(other)]
  if (!a || !b || a.isOfParts || b.isOfParts || a.algorithm !== b.algorithm) return undefined
  return a.value === b.value
}

async function digestOf({ endpoint, bucket }: Place, key: string, version: ListedVersion, signal: AbortSignal) {
  const { body } = await endpoint.open({ method: 'GET', bucket, key, query: versionQuery(version) }, signal)
  const digest = createHash('sha256')
  try {
    for await (const piece of body as AsyncIterable<Buffer>) digest.update(piece)
  } catch (error) {
    throw noAnswer(endpoint.name, error)
  }
  return digest.digest('hex')
}
