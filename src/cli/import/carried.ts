import type { IncomingHttpHeaders } from 'node:http'
import { algorithms, checksumHeader } from '../../s3api/checksums/algorithms.ts'
import { keptHeaders } from '../../s3api/objects/attributes.ts'
import { readXmlTree, textOf } from '../s3-client/xml-tree.ts'
import { type Errand, type ImportContext, versionQuery } from './context.ts'

type Headers = Record<string, string>

/** What of a source's answer goes along with the object: its metadata, its class if it is one of ours, its tags. */
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
  return headers
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

/** Whether the object must not be deleted or overwritten at the source: that is not carried along. */
export function hasLock(answer: IncomingHttpHeaders): boolean {
  return answer['x-amz-object-lock-mode'] !== undefined || answer['x-amz-object-lock-legal-hold'] === 'ON'
}

export interface KnownChecksum {
  /** As S3 writes it: CRC32, SHA256, … */
  algorithm: string
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
