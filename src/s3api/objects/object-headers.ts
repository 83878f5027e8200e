import type { Bucket, ObjectVersion } from '../../base/model.ts'
import { lockHeaders } from '../lock/lock-headers.ts'
import type { ReplyHeaders } from '../operation.ts'
import { encodeMetadata } from './metadata-text.ts'
import { versionHeaders } from './version.ts'

/** What GET and HEAD tell of an object, and a 304 of the same. */
export function objectHeaders(object: ObjectVersion, bucket: Bucket): ReplyHeaders {
  const { attributes } = object
  const headers: Record<string, string | number | undefined> = {
    ...validators(object),
    'Accept-Ranges': 'bytes',
    ...attributes.headers,
    ...versionHeaders(bucket, object),
    'x-amz-tagging-count': object.extras?.tags?.length,
    ...lockHeaders(object),
    'x-amz-storage-class': attributes.storageClass === 'STANDARD' ? undefined : attributes.storageClass,
  }
  for (const name in attributes.userMetadata) {
    headers[`x-amz-meta-${name}`] = encodeMetadata(attributes.userMetadata[name]!)
  }
  return headers
}

/** RFC 9110, section 15.4.5: what a 304 has to repeat. */
export function notModifiedHeaders(object: ObjectVersion, bucket: Bucket): ReplyHeaders {
  const { headers } = object.attributes
  return {
    ...validators(object),
    ...versionHeaders(bucket, object),
    'Cache-Control': headers['cache-control'],
    Expires: headers.expires,
  }
}

function validators({ etag, committedAt }: ObjectVersion): ReplyHeaders {
  return { ETag: `"${etag}"`, 'Last-Modified': committedAt.toUTCString() }
}
