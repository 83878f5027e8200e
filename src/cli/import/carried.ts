import type { IncomingHttpHeaders } from 'node:http'
import type { ChecksumAlgorithm } from '../../base/model.ts'
import { algorithms, checksumHeader } from '../../s3api/checksums/algorithms.ts'
import { keptHeaders } from '../../s3api/objects/attributes.ts'
import { readXmlTree, textOf } from '../s3-client/xml-tree.ts'
import { type Errand, type ImportContext, versionQuery } from './context.ts'

type Headers = Record<string, string>

/** What of a source's answer goes along with the object: its metadata, its class if it is one of ours, its tags, its locks. */
export async function carriedHeaders(
  context: ImportContext,
  errand: Errand,
  answer: IncomingHttpHeaders,
  signal: AbortSignal,
): Promise<Headers> {
  const headers: Headers = {}
  for (const [name, value] of Object.entries(answer))
    if (typeof value === 'string' && (name.startsWith('x-amz-meta-') || isKept(name))) headers[name] = value
  if (answer['x-amz-storage-class'] === 'REDUCED_REDUNDANCY') headers['x-amz-storage-class'] = 'REDUCED_REDUNDANCY'
  if (Number(answer['x-amz-tagging-count'] ?? 0) > 0) headers['x-amz-tagging'] = await readTags(context, errand, signal)
  if (context.carriesLocks) Object.assign(headers, lockHeaders(answer))
  return headers
}

/** A retention that is over by the source's clock is none, and would be refused. */
function lockHeaders(answer: IncomingHttpHeaders): Headers {
  const mode = answer['x-amz-object-lock-mode']
  const until = answer['x-amz-object-lock-retain-until-date']
  const isRetained =
    typeof mode === 'string' && typeof until === 'string' && Date.parse(until) > Date.parse(answer.date!)
  return {
    ...(isRetained && { 'x-amz-object-lock-mode': mode, 'x-amz-object-lock-retain-until-date': until }),
    ...(answer['x-amz-object-lock-legal-hold'] === 'ON' && { 'x-amz-object-lock-legal-hold': 'ON' }),
  }
}

function isKept(name: string): boolean {
  return (keptHeaders as readonly string[]).includes(name)
}

async function readTags(
  { source: { endpoint, bucket } }: ImportContext,
  { key, version }: Errand,
  signal: AbortSignal,
): Promise<string> {
  const query = { tagging: '', ...versionQuery(version) }
  const { text } = await endpoint.ask({ method: 'GET', bucket, key, query }, signal)
  const set = readXmlTree(text).children.find(({ name }) => name === 'TagSet')
  const tags = (set?.children ?? []).map((tag): [string, string] => [
    textOf(tag, 'Key') ?? '',
    textOf(tag, 'Value') ?? '',
  ])
  return new URLSearchParams(tags).toString()
}

/** What an upload in parts begins with. */
export interface UploadOrder {
  headers: Readonly<Record<string, string>>
  checksum: KnownChecksum | undefined
  /** Each of its parts must come with a checksum, or its MD5. */
  isLocked: boolean
}

/** With what the source's object has; of one that is locked and has none, parts get one of their own. */
export function uploadOrder(headers: Headers, checksum: KnownChecksum | undefined): UploadOrder {
  const isLocked = 'x-amz-object-lock-mode' in headers || 'x-amz-object-lock-legal-hold' in headers
  return { headers, checksum: checksum ?? (isLocked ? OF_ITS_OWN : undefined), isLocked }
}

const OF_ITS_OWN: KnownChecksum = { algorithm: 'CRC32', header: checksumHeader('CRC32'), value: '', isOfParts: true }

/** Counts an object that is copied without the retention or hold that it has at the source. */
export function noteLocks({ carriesLocks, tally }: ImportContext, answer: IncomingHttpHeaders): void {
  const isLocked = answer['x-amz-object-lock-mode'] !== undefined || answer['x-amz-object-lock-legal-hold'] === 'ON'
  if (isLocked && !carriesLocks) tally.locksLeftOut++
}

export interface KnownChecksum {
  algorithm: ChecksumAlgorithm
  header: string
  value: string
  isOfParts: boolean
}

/** What an answer says of the bytes of its object, besides the ETag. */
export function checksumOf(answer: IncomingHttpHeaders): KnownChecksum | undefined {
  for (const algorithm of algorithms) {
    const header = checksumHeader(algorithm)
    const value = answer[header]
    if (typeof value !== 'string') continue
    const isOfParts = answer['x-amz-checksum-type'] === 'COMPOSITE' || /-\d+$/.test(value)
    return { algorithm, header, value, isOfParts }
  }
  return undefined
}

/** Whether ETags in that answer are made of MD5s of the bytes: not where they are encrypted by KMS or the customer. */
export function hasMd5(answer: IncomingHttpHeaders): boolean {
  return (
    !String(answer['x-amz-server-side-encryption'] ?? '').startsWith('aws:') &&
    answer['x-amz-server-side-encryption-customer-algorithm'] === undefined
  )
}

export function etagOf(answer: IncomingHttpHeaders): string {
  return (answer.etag ?? '').replaceAll('"', '')
}

/** The MD5 that an ETag is; undefined: it is none. */
export function md5Of(etag: string): Buffer | undefined {
  return /^[0-9a-f]{32}$/.test(etag) ? Buffer.from(etag, 'hex') : undefined
}
