import { isFault } from '../../base/faults.ts'
import type { AccountId, ObjectKey, UploadId } from '../../base/ids.ts'
import type { Bucket, Upload } from '../../base/model.ts'
import { aclsCount } from '../access/bucket-rules.ts'
import type { S3Action } from '../actions.ts'
import type { Call } from '../operation.ts'

/** Whose the object will be. */
export function ownerOfUpload({ extras }: Upload, { settings, ownerId }: Bucket): AccountId {
  return (aclsCount(settings) ? extras?.access?.ownerId : undefined) ?? ownerId
}

/**
 * Asks for what whoever began an upload may do with it unless it is denied: see its parts, abort it.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions Fault: AccessDenied.
 */
export async function demandOfUpload(
  { engine, access, bucket }: Pick<Call, 'engine' | 'access'> & { bucket: Bucket },
  action: S3Action,
  { key, uploadId }: { key: ObjectKey; uploadId: UploadId },
  signal: AbortSignal,
): Promise<void> {
  const { accountId } = access.caller
  const isUsual = accountId === undefined || accountId === bucket.ownerId
  const isInitiator = !isUsual && (await initiatorOf()) === accountId
  access.demand({ action, bucket, key, isInitiator })

  /** Undefined: there is no such upload, which only they are told who have leave. */
  async function initiatorOf(): Promise<AccountId | undefined> {
    try {
      return (await engine.findUpload({ bucket, key, uploadId }, signal)).initiatorId
    } catch (error) {
      if (isFault(error, 'NoSuchUpload')) return undefined
      throw error
    }
  }
}
