import type { Chance } from '../chance.ts'
import { type Header, latin1, percentCoded } from '../request.ts'
import type { World } from '../world.ts'
import { type Intent, md5, ownKey, plain, requestOf } from './intents.ts'
import { RANGES } from './odd-headers.ts'
import type { OddRequest } from './odd-requests.ts'
import { asLatin1, headerText, oddBytes, oddNumber, oddText, oddValue } from './odd-text.ts'
import { oddDocument } from './odd-xml.ts'

/** CopyObject and UploadPartCopy. */
export function oddCopySource(chance: Chance, world: World, serial: number): OddRequest {
  const { field, upload } = world
  const isPart = chance.oneIn(3)
  const query: Intent['query'] = [
    ['partNumber', asLatin1(oddNumber(chance))],
    ['uploadId', upload.id],
  ]
  const headers: Header[] = [['x-amz-copy-source', headerText(source(chance, world, serial))]]
  if (isPart && chance.oneIn(2)) headers.push(['x-amz-copy-source-range', headerText(chance.pick(RANGES))])
  const key = isPart ? upload.key : ownKey(serial)
  const intent = { ...plain('PUT', field), key, headers, ...(isPart && { query }) }
  return { note: 'an odd copy source', request: requestOf(intent, world), sets: [key] }
}

function source(chance: Chance, { vault, treasure, field }: World, serial: number): string {
  const whole = `/${vault}/${percentCoded(latin1(treasure))}`
  const odd = `${whole} / // /${vault} /${vault}/ ? /..//x //${vault}/x arn:aws:s3:::a/b http://x/${vault}/a`.split(' ')
  return chance.pick([
    () => percentCoded(asLatin1(oddText(chance)), '/'),
    () => `${vault}/${percentCoded(asLatin1(oddText(chance)))}`,
    () => `${whole}?versionId=${percentCoded(asLatin1(oddValue(chance)))}`,
    () => `${whole}?${chance.pick(['', 'versionId', 'versionid=null', 'x=y', 'versionId=null&versionId=null'])}`,
    () => whole.replaceAll('/', '%2F'),
    () => `/${field}/${ownKey(serial)}`,
    () => chance.pick(odd),
    () => oddBytes(chance),
  ])()
}

/** Well-formed, and never given out. */
const NO_UPLOAD = '00000000-0000-7000-8000-00000000000f'

/** Upload ids and part numbers. The one upload that others use is neither aborted nor completed. */
export function oddUpload(chance: Chance, world: World): OddRequest {
  const { field, upload } = world
  const method = chance.pick(['PUT', 'GET', 'POST', 'DELETE', 'HEAD'])
  const isEnd = method === 'DELETE' || method === 'POST'
  const id = chance.pick([isEnd ? NO_UPLOAD : upload.id, NO_UPLOAD, asLatin1(oddValue(chance))])
  const key = chance.oneIn(3) ? oddText(chance) : upload.key
  const number: Intent['query'] = chance.oneIn(2) ? [['partNumber', asLatin1(oddNumber(chance))]] : []
  const request = requestOf({ ...plain(method, field), key, query: [['uploadId', id], ...number] }, world)
  return { note: 'an odd upload', request, sets: [key] }
}

/** DeleteObjects and CompleteMultipartUpload, with a proof of whatever the document is. */
export function oddXml(chance: Chance, world: World, serial: number): OddRequest {
  const { field, upload } = world
  const isDelete = chance.oneIn(2)
  const text = isDelete
    ? oddDocument(chance, 'Delete', ['Object', 'Key', 'VersionId', 'Quiet', 'ETag', 'Size'], ownKey(serial))
    : oddDocument(chance, 'CompleteMultipartUpload', ['Part', 'PartNumber', 'ETag', 'ChecksumCRC32'], '1')
  const body = Buffer.from(text, 'latin1')
  const headers: Header[] = [['Content-MD5', md5(body, 'base64')]]
  const about = isDelete
    ? { query: [['delete']] as Intent['query'] }
    : { key: upload.key, query: [['uploadId', upload.id]] as Intent['query'] }
  const request = requestOf({ ...plain('POST', field), ...about, headers, body }, world)
  const operation = isDelete ? 'DeleteObjects' : 'CompleteMultipartUpload'
  return { note: `odd XML for ${operation}`, request, sets: [upload.key] }
}
