import { StoreFault } from '../../base/faults.ts'
import type { UploadId } from '../../base/ids.ts'
import { limits } from '../../base/limits.ts'
import { integerIn, invalid, query, queryOr } from '../fields.ts'

/** What no upload was ever called is an upload that does not exist. */
const UPLOAD_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isUploadId(text: string | undefined | null): text is UploadId {
  return text !== undefined && text !== null && UPLOAD_ID.test(text)
}

/** Fault: NoSuchUpload. */
export const uploadId = query('uploadId', (text): UploadId => {
  if (!isUploadId(text)) throw new StoreFault('NoSuchUpload', { uploadId: text.slice(0, 255) })
  return text
})

/** Fault: InvalidArgument. */
export const partNumber = query('partNumber', integerIn(1, limits.partNumberMax))

/** Empty, or an upload id. Fault: InvalidArgument. */
export const uploadIdMarker = queryOr(
  'upload-id-marker',
  (text, name): string => {
    if (text !== '' && !isUploadId(text)) throw invalid(name, text, 'Invalid uploadId marker')
    return text
  },
  '',
)
