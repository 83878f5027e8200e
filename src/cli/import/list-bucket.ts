import type { S3Endpoint } from '../s3-client/endpoint.ts'
import type { Retry } from '../s3-client/retry.ts'
import { S3Failure } from '../s3-client/s3-failure.ts'
import { readXmlTree, textOf, type XmlElement } from '../s3-client/xml-tree.ts'
import { compareKeys, type KeyHistory, type ListedVersion } from './versions.ts'

export interface ListedBucket {
  endpoint: S3Endpoint
  bucket: string
  prefix: string
}

/** The whole history of every key, in the endpoint's order. */
export async function* listHistories(
  place: ListedBucket,
  retry: Retry,
  signal: AbortSignal,
): AsyncGenerator<KeyHistory> {
  let open: { key: string; newestFirst: ListedVersion[] } | undefined
  for await (const { page, decode } of listPages(place, 'versions', retry, signal)) {
    for (const { key, version } of inOrder(page, decode)) {
      if (open && open.key !== key) {
        yield { key: open.key, versions: open.newestFirst.reverse() }
        open = undefined
      }
      open ??= { key, newestFirst: [] }
      open.newestFirst.push(version)
    }
  }
  if (open) yield { key: open.key, versions: open.newestFirst.reverse() }
}

/**
 * Versions and markers of a page, by key, and of a key the newest first. S3 mixes them in that order; others
 * write all versions, then all markers: those are put together by their times.
 */
function inOrder(page: XmlElement, decode: Decode): Row[] {
  const elements = page.children.filter(({ name }) => name === 'Version' || name === 'DeleteMarker')
  const rows = elements.map((element) => readRow(element, decode))
  const turns = elements.filter(({ name }, n) => n > 0 && elements[n - 1]!.name !== name).length
  if (turns !== 1) return rows
  return rows.sort(
    (a, b) =>
      compareKeys(a.key, b.key) ||
      Number(b.isLatest) - Number(a.isLatest) ||
      b.version.lastModifiedMs - a.version.lastModifiedMs,
  )
}

/** Every object as it is now: a history of one. */
export async function* listCurrent(place: ListedBucket, retry: Retry, signal: AbortSignal): AsyncGenerator<KeyHistory> {
  for await (const { page, decode } of listPages(place, 'current', retry, signal)) {
    for (const element of page.children) {
      if (element.name !== 'Contents') continue
      const { key, version } = readRow(element, decode)
      yield { key, versions: [{ ...version, versionId: undefined }] }
    }
  }
}

/** The history of one key, as it is now: none if there is no such key. */
export async function listKey(
  { endpoint, bucket }: Omit<ListedBucket, 'prefix'>,
  key: string,
  retry: Retry,
  signal: AbortSignal,
): Promise<readonly ListedVersion[]> {
  for await (const history of listHistories({ endpoint, bucket, prefix: key }, retry, signal)) {
    // Its own versions come before those of any longer key.
    return history.key === key ? history.versions : []
  }
  return []
}

const KINDS = {
  versions: {
    query: { versions: '' },
    next: { 'key-marker': 'NextKeyMarker', 'version-id-marker': 'NextVersionIdMarker' },
  },
  current: { query: { 'list-type': '2' }, next: { 'continuation-token': 'NextContinuationToken' } },
} as const

/** Of a key as it stands in the answer. */
type Decode = (text: string) => string

async function* listPages(
  { endpoint, bucket, prefix }: ListedBucket,
  kind: keyof typeof KINDS,
  retry: Retry,
  signal: AbortSignal,
): AsyncGenerator<{ page: XmlElement; decode: Decode }> {
  const { query, next } = KINDS[kind]
  let from: Record<string, string> = {}
  for (;;) {
    const asked = { ...query, ...from, prefix, 'encoding-type': 'url', 'max-keys': '1000' }
    const page = await retry(async () => {
      const { text } = await endpoint.ask({ method: 'GET', bucket, query: asked }, signal)
      return readXmlTree(text)
    }, signal)
    const decode: Decode = textOf(page, 'EncodingType') === 'url' ? decodeUrl : (text) => text
    yield { page, decode }
    if (textOf(page, 'IsTruncated') !== 'true') return
    const before = JSON.stringify(from)
    from = {}
    for (const [name, element] of Object.entries(next)) {
      const value = textOf(page, element)
      if (value) from[name] = name === 'key-marker' ? decode(value) : value
    }
    if (JSON.stringify(from) === before)
      throw new S3Failure('the listing does not go on', { code: 'BadListing', status: 200 })
  }
}

/** A `+` is a space there, and a plus `%2B`. */
function decodeUrl(text: string): string {
  return decodeURIComponent(text.replaceAll('+', '%20'))
}

interface Row {
  key: string
  isLatest: boolean
  version: ListedVersion
}

function readRow(element: XmlElement, decode: Decode): Row {
  const version = {
    versionId: textOf(element, 'VersionId'),
    isMarker: element.name === 'DeleteMarker',
    etag: (textOf(element, 'ETag') ?? '').replaceAll('"', ''),
    sizeBytes: Number(textOf(element, 'Size') ?? 0),
    lastModifiedMs: Date.parse(textOf(element, 'LastModified') ?? ''),
  }
  return { key: decode(textOf(element, 'Key') ?? ''), isLatest: textOf(element, 'IsLatest') === 'true', version }
}
