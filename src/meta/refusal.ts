import { StoreFault } from '../base/faults.ts'
import type { ObjectKey, UploadId } from '../base/ids.ts'
import type { WriteCondition } from '../base/model.ts'

/** What the functions of the database call their refusals. */
export type Refusal =
  | 'given-up'
  | 'held'
  | 'session-over'
  | 'no-bucket'
  | 'no-key'
  | 'no-source'
  | 'no-upload'
  | 'invalid-part'
  | 'precondition-failed'
  | 'source-changed'

/** Why something was not deleted. */
export function deleteRefusal(
  outcome: 'no-key' | 'etag-differs' | 'size-differs' | 'time-differs' | 'held',
  key: ObjectKey,
): StoreFault {
  switch (outcome) {
    case 'etag-differs':
      return new StoreFault('PreconditionFailed', { condition: 'If-Match' })
    case 'size-differs':
      return new StoreFault('PreconditionFailed', { condition: 'x-amz-if-match-size' })
    case 'time-differs':
      return new StoreFault('PreconditionFailed', { condition: 'x-amz-if-match-last-modified-time' })
    default:
      return refusal(outcome, { key, condition: {} })
  }
}

/** A refusal by its fault. `bucket` is left to whoever knows its name: the database was asked by number. */
export function refusal(
  outcome: Refusal,
  of: { key: ObjectKey; condition: WriteCondition; uploadId?: UploadId; badPart?: number },
): StoreFault {
  switch (outcome) {
    case 'no-bucket':
      return new StoreFault('NoSuchBucket', { bucket: '' })
    case 'no-key':
    case 'no-source':
      return new StoreFault('NoSuchKey', { key: of.key })
    case 'held':
      return new StoreFault('AccessDenied', { reason: 'an object lock holds it', isLocked: true })
    case 'no-upload':
      return new StoreFault('NoSuchUpload', { uploadId: of.uploadId ?? '' })
    case 'invalid-part':
      return new StoreFault('InvalidPart', {
        ...(of.badPart !== undefined && { partNumber: of.badPart }),
        ...(of.uploadId !== undefined && { uploadId: of.uploadId }),
      })
    case 'precondition-failed':
      return new StoreFault('PreconditionFailed', {
        condition: of.condition.ifNoneMatch ? 'If-None-Match' : 'If-Match',
      })
    case 'source-changed':
      return new StoreFault('PreconditionFailed', { condition: 'x-amz-copy-source-if-match' })
    case 'given-up':
      return new StoreFault('ServiceUnavailable', { reason: 'the write was given up before it was committed' })
    case 'session-over':
      return new StoreFault('ServiceUnavailable', { reason: 'the session of this gateway is over' })
  }
}
