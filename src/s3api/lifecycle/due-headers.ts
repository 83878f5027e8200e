import type { Due } from '../../base/lifecycle/due.ts'
import type { ReplyHeaders } from '../operation.ts'

/** `x-amz-expiration`: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html */
export function expirationHeader(due: Due | undefined): ReplyHeaders {
  if (!isSayable(due)) return {}
  return { 'x-amz-expiration': `expiry-date="${dateOf(due)}", rule-id="${idOf(due)}"` }
}

/** What CreateMultipartUpload and ListParts say of the end of an upload. */
export function abortHeaders(due: Due | undefined): ReplyHeaders {
  return isSayable(due) ? { 'x-amz-abort-date': dateOf(due), 'x-amz-abort-rule-id': idOf(due) } : {}
}

/** The last moment that an HTTP date can say: the end of the year 9999. */
const DATE_MS_MAX = Date.UTC(10_000, 0) - 1

function isSayable(due: Due | undefined): due is Due {
  return due !== undefined && due.atMs <= DATE_MS_MAX
}

function dateOf({ atMs }: Due): string {
  return new Date(atMs).toUTCString()
}

/** As it is where a header can carry it between quotes, else percent-encoded. */
function idOf({ rule: { id } }: Due): string {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(id) && !/["\\]/.test(id) ? id : encodeURIComponent(id)
}
