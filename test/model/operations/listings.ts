import { element, elements } from '../../../conformance/support/suite.ts'
import type { Chance } from '../../fuzz/chance.ts'
import type { Bucket } from '../bucket.ts'
import { sizeOf } from '../content.ts'
import { blocksOf } from '../documents.ts'
import { paged } from '../operation.ts'
import { type Answer, type NameOf, NO_SUCH_UPLOAD, readHead, type Said } from '../said.ts'
import { type OfUpload, pickUpload } from './uploads.ts'

interface Listing {
  prefix?: string
  delimiter?: '/'
  /** Keys behind this one. */
  after?: string
  /** A page's. */
  max?: number
}

/** An entry of a listing, in words; `prefix`: it stands for all keys that begin so. */
interface Entry {
  key: string
  line: string
}

function pickListing(chance: Chance): Listing {
  const hasDelimiter = chance.oneIn(2)
  return {
    ...(chance.oneIn(2) && { prefix: chance.pick(['', 'a', 'd', 'dir/', 'dir/c', 'none']) }),
    ...(hasDelimiter && { delimiter: '/' as const }),
    // Whether a common prefix is listed by whose keys not all come after this, S3 does not say.
    ...(chance.oneIn(4) && { after: chance.pick(['a', 'aa', 'b', 'dir', hasDelimiter ? 'c' : 'dir/c', 'z']) }),
    ...(chance.oneIn(2) && { max: chance.pick([1, 1, 2, 3, 1_000]) }),
  }
}

/** What of it is to be listed, keys with a common prefix as one: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-prefixes.html */
function entriesOf(all: readonly Entry[], { prefix = '', delimiter, after = '' }: Listing): Entry[] {
  const entries: Entry[] = []
  for (const entry of all) {
    if (!entry.key.startsWith(prefix) || entry.key <= after) continue
    const at = delimiter ? entry.key.indexOf(delimiter, prefix.length) : -1
    const key = at < 0 ? entry.key : entry.key.slice(0, at + 1)
    if (at < 0) entries.push(entry)
    else if (entries.at(-1)?.key !== key) entries.push({ key, line: `${key}…` })
  }
  return entries
}

/** Pages full to the brim but the last. */
function expectPages(lines: readonly string[], max = 1_000): Said {
  const pages = Array.from({ length: Math.max(1, Math.ceil(lines.length / max)) }, (_, n) => [
    ...lines.slice(n * max, (n + 1) * max),
    `end of page ${n + 1}`,
  ])
  return { status: 200, lines: pages.flat() }
}

/** `line`: of an element that is no common prefix. */
function readPages(
  answers: readonly Answer[],
  nameOf: NameOf,
  { names, line }: { names: readonly string[]; line: (name: string, text: string) => string },
): Said {
  const failed = answers.find(({ status }) => status !== 200)
  if (failed) return readHead(failed, nameOf)
  const lines = answers.flatMap(({ body }, n) => {
    const page = blocksOf(body, names).map(({ name, text }) => ({
      key: element(text, 'Key') ?? '',
      line: line(name, text),
    }))
    // Common prefixes stand behind all keys, though their place is among them.
    for (const { text } of blocksOf(body, ['CommonPrefixes'])) {
      const key = element(text, 'Prefix')!
      const behind = page.findIndex((each) => each.key > key)
      page.splice(behind < 0 ? page.length : behind, 0, { key, line: `${key}…` })
    }
    return [...page.map((each) => each.line), `end of page ${n + 1}`]
  })
  return { status: 200, lines }
}

const isMore = (last: Answer) => last.status === 200 && element(last.body, 'IsTruncated') === 'true'

function queryOf({ prefix, delimiter, max }: Listing, maxName = 'max-keys'): Record<string, string | undefined> {
  return { prefix, delimiter, [maxName]: max?.toString() }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export const listObjects = paged<Listing>({
  make: pickListing,
  call(listing, _, last) {
    if (last && !isMore(last)) return undefined
    // The next marker is told only with a delimiter; without, it is the last key.
    const next = last && (element(last.body, 'NextMarker') ?? elements(last.body, 'Key').at(-1))
    return { method: 'GET', query: { ...queryOf(listing), marker: next ?? listing.after } }
  },
  expect: (listing, { bucket }) => expectObjects(listing, bucket),
  read: readObjects,
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export const listObjectsV2 = paged<Listing>({
  make: pickListing,
  call(listing, _, last) {
    if (last && !isMore(last)) return undefined
    const token = last && element(last.body, 'NextContinuationToken')
    const query = { 'list-type': '2', ...queryOf(listing), 'start-after': listing.after, 'continuation-token': token }
    return { method: 'GET', query }
  },
  expect: (listing, { bucket }) => expectObjects(listing, bucket),
  read: readObjects,
})

function expectObjects(listing: Listing, bucket: Bucket): Said {
  const objects = bucket.versions.filter((version) => bucket.current(version.key) === version)
  const all = objects.map(({ key, etag, content }) => ({ key, line: `${key} ${etag} ${sizeOf(content)}` }))
  const lines = entriesOf(all, listing).map(({ line }) => line)
  return expectPages(lines, listing.max)
}

function readObjects(answers: readonly Answer[], nameOf: NameOf): Said {
  const line = (_: string, text: string) => `${element(text, 'Key')} ${element(text, 'ETag')} ${element(text, 'Size')}`
  return readPages(answers, nameOf, { names: ['Contents'], line })
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
export const listObjectVersions = paged<Listing>({
  make: pickListing,
  call(listing, _, last) {
    if (last && !isMore(last)) return undefined
    const query = { versions: '', ...queryOf(listing) }
    if (!last) return { method: 'GET', query: { ...query, 'key-marker': listing.after } }
    const [key, version] = ['NextKeyMarker', 'NextVersionIdMarker'].map((name) => element(last.body, name))
    return { method: 'GET', query: { ...query, 'key-marker': key, 'version-id-marker': version || undefined } }
  },
  expect(listing, { bucket }) {
    const all = bucket.versions.map((version) => {
      const { key, id, etag, content, isMarker } = version
      const latest = bucket.versionsOf(key)[0] === version ? ' latest' : ''
      return {
        key,
        line: isMarker ? `${key} ${id} marker${latest}` : `${key} ${id} ${etag} ${sizeOf(content)}${latest}`,
      }
    })
    const lines = entriesOf(all, listing).map(({ line }) => line)
    return expectPages(lines, listing.max)
  },
  read: (answers, nameOf) =>
    readPages(answers, nameOf, {
      names: ['Version', 'DeleteMarker'],
      line(name, text) {
        const of = (what: string) => element(text, what)
        const what = name === 'Version' ? `${of('ETag')} ${of('Size')}` : 'marker'
        return `${of('Key')} ${nameOf(of('VersionId')!)} ${what}${of('IsLatest') === 'true' ? ' latest' : ''}`
      },
    }),
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export const listMultipartUploads = paged<Listing>({
  make: pickListing,
  call(listing, _, last) {
    if (last && !isMore(last)) return undefined
    const query = { uploads: '', ...queryOf(listing, 'max-uploads') }
    if (!last) return { method: 'GET', query: { ...query, 'key-marker': listing.after } }
    const [key, upload] = ['NextKeyMarker', 'NextUploadIdMarker'].map((name) => element(last.body, name))
    return { method: 'GET', query: { ...query, 'key-marker': key, 'upload-id-marker': upload || undefined } }
  },
  expect(listing, { bucket }) {
    const open = bucket.uploads
      .filter(({ completed }) => !completed)
      .map(({ key, id }) => ({ key, line: `${key} ${id}` }))
    const lines = entriesOf(
      open.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)),
      listing,
    )
    return expectPages(
      lines.map(({ line }) => line),
      listing.max,
    )
  },
  read: (answers, nameOf) =>
    readPages(answers, nameOf, {
      names: ['Upload'],
      line: (_, text) => `${element(text, 'Key')} ${nameOf(element(text, 'UploadId')!)}`,
    }),
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export const listParts = paged<OfUpload & { max?: number }>({
  make(chance, bucket: Bucket) {
    const upload = pickUpload(chance, bucket)
    return upload && { ...upload, ...(chance.oneIn(2) && { max: chance.pick([1, 2, 1_000]) }) }
  },
  call({ key, upload, max }, { idOf }, last) {
    if (last && !isMore(last)) return undefined
    const marker = last && element(last.body, 'NextPartNumberMarker')
    const query = { uploadId: idOf(upload), 'max-parts': max?.toString(), 'part-number-marker': marker }
    return { method: 'GET', key, query }
  },
  expect({ key, upload, max }, { bucket }) {
    const open = bucket.openUpload(upload, key)
    if (!open) return NO_SUCH_UPLOAD
    const parts = [...open.parts].sort(([a], [b]) => a - b)
    return expectPages(
      parts.map(([number, { etag, content }]) => `${number} ${etag} ${sizeOf(content)}`),
      max,
    )
  },
  read: (answers, nameOf) =>
    readPages(answers, nameOf, {
      names: ['Part'],
      line: (_, text) => `${element(text, 'PartNumber')} ${element(text, 'ETag')} ${element(text, 'Size')}`,
    }),
})
