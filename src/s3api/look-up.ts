import type { BucketName } from '../base/ids.ts'
import type { Bucket } from '../base/model.ts'
import type { Engine, FoundObject } from '../engine/engine.ts'
import type { Access } from './access/access.ts'
import { authorise, checkExpectedOwner } from './authorise.ts'
import { parseBucketName } from './names/bucket-name.ts'
import { parseObjectKey } from './names/object-key.ts'
import { versionId } from './objects/version.ts'
import { isOfObject, type Operation } from './operation.ts'
import { headerOf, type RequestHead } from './request-head.ts'

/** What the operation is about, once the caller may see it. Faults: NoSuchBucket, AccessDenied, and those of the names. */
export async function lookUp(
  operation: Operation,
  engine: Engine,
  access: Access,
  head: RequestHead,
  signal: AbortSignal,
): Promise<{ bucket?: Bucket; found?: FoundObject }> {
  const { lookUp: kind } = operation
  if (kind === 'none') {
    for (const action of [operation.action, ...(operation.alsoNeeds?.(head) ?? [])]) {
      access.demandOfService(action, head.bucket)
    }
    return {}
  }
  const name = parseBucketName(head.bucket ?? '')
  const found = isOfObject(kind) ? await findObject(engine, name, head, kind === 'content', signal) : undefined
  const bucket = found?.bucket ?? (await engine.findBucket(name, signal))
  authorise(operation, access, head, found ? { bucket, object: found.object ?? null } : { bucket })
  checkExpectedOwner(headerOf(head, 'x-amz-expected-bucket-owner'), bucket)
  return found ? { bucket, found } : { bucket }
}

/** Bucket and object in one look-up. */
function findObject(
  engine: Engine,
  bucket: BucketName,
  head: RequestHead,
  withLayouts: boolean,
  signal: AbortSignal,
): Promise<FoundObject> {
  const key = parseObjectKey(head.key ?? '')
  return engine.findObject({ bucket, key, versionId: versionId.read(head), withLayouts }, signal)
}
