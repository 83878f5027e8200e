import type { Bucket, ObjectVersion } from '../../base/model.ts'
import type { FoundObject } from '../../engine/engine.ts'
import type { S3Action } from '../actions.ts'
import { headerOr, invalid, invalidRequest } from '../fields.ts'
import { existing } from '../objects/read-object.ts'
import type { RequestHead } from '../request-head.ts'

/** The version whose lock is asked for, or to be changed. Faults: InvalidRequest, NoSuchKey, NoSuchVersion, MethodNotAllowed. */
export function findLocked(
  { bucket, found }: { bucket: Bucket; found: FoundObject },
  input: { key: string; versionId: string | undefined },
): ObjectVersion {
  if (!bucket.settings.objectLock) throw invalidRequest('Bucket is missing Object Lock Configuration')
  return existing(found, input)
}

export const bypassHeader = 'x-amz-bypass-governance-retention'

/** Whether the caller means to pass over a retention of mode GOVERNANCE; undefined: nothing was said. */
export const bypass = headerOr(bypassHeader, (value) => value.trim().toLowerCase() === 'true', undefined)

/** What else it takes leave for to say so. */
export function needsToBypass(head: RequestHead): readonly S3Action[] {
  return bypass.read(head) ? ['s3:BypassGovernanceRetention'] : []
}

/** Faults: InvalidArgument, where there is nothing that could be passed over. */
export function mayBypass({ settings }: Bucket, given: boolean | undefined): boolean {
  if (given !== undefined && !settings.objectLock) {
    throw invalid(bypassHeader, undefined, `${bypassHeader} is only applicable to Object Lock enabled buckets.`)
  }
  return given ?? false
}
