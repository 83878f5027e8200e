import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import type { ObjectAttributes } from '../../base/model.ts'
import { type Field, headers, invalid } from '../fields.ts'
import { headerOf, type RequestHead } from '../request-head.ts'
import { decodeMetadata } from './metadata-text.ts'

/** Kept and given back as they came. */
export const keptHeaders = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
  'x-amz-website-redirect-location',
] as const

const METADATA_PREFIX = 'x-amz-meta-'
const CONTENT_TYPE_DEFAULT = 'binary/octet-stream'
/** Classes that S3 knows and this store has no layout for are refused like unknown ones. */
const STORAGE_CLASSES = ['STANDARD', 'REDUCED_REDUNDANCY']

/** What PutObject, CopyObject and CreateMultipartUpload say of an object. Faults: MetadataTooLarge, InvalidStorageClass, InvalidArgument. */
export const objectAttributes: Field<ObjectAttributes> = headers(
  'attributes',
  [...keptHeaders, 'x-amz-storage-class', METADATA_PREFIX],
  (head) => ({ headers: readKept(head), userMetadata: readUserMetadata(head), storageClass: readStorageClass(head) }),
)

function readKept(head: RequestHead): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of keptHeaders) {
    const value = headerOf(head, name)
    const text = name === 'content-encoding' ? withoutAwsChunked(value) : value
    if (text) kept[name] = text
  }
  kept['content-type'] ??= CONTENT_TYPE_DEFAULT
  checkRedirect(kept['x-amz-website-redirect-location'])
  return kept
}

/** aws-chunked is how the body travels, not what the object is. */
function withoutAwsChunked(value: string | undefined): string | undefined {
  if (!value?.toLowerCase().includes('aws-chunked')) return value
  const codings = value.split(',').map((coding) => coding.trim())
  return codings.filter((coding) => coding !== '' && coding.toLowerCase() !== 'aws-chunked').join(', ')
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: a path in the bucket, or a URL. */
function checkRedirect(location: string | undefined): void {
  if (location === undefined) return
  if (!/^(?:\/|https?:\/\/)/.test(location) || location.length > 2048) {
    throw invalid(
      'x-amz-website-redirect-location',
      location,
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
    )
  }
}

function readUserMetadata(head: RequestHead): Record<string, string> {
  const metadata: Record<string, string> = {}
  let sizeBytes = 0
  for (const header in head.headers) {
    if (!header.startsWith(METADATA_PREFIX)) continue
    const name = header.slice(METADATA_PREFIX.length)
    const value = decodeMetadata(headerOf(head, header) ?? '')
    sizeBytes += Buffer.byteLength(name) + Buffer.byteLength(value)
    // A plain assignment would set the prototype for this one name.
    Object.defineProperty(metadata, name, { value, enumerable: true, configurable: true, writable: true })
  }
  const sizeBytesMax = limits.userMetadataBytesMax
  if (sizeBytes > sizeBytesMax) throw new StoreFault('MetadataTooLarge', { sizeBytes, sizeBytesMax })
  return metadata
}

function readStorageClass(head: RequestHead): string {
  const storageClass = headerOf(head, 'x-amz-storage-class') || 'STANDARD'
  if (!STORAGE_CLASSES.includes(storageClass)) throw new StoreFault('InvalidStorageClass', { storageClass })
  return storageClass
}
