import type { ObjectKey, VersionId } from '../../base/ids.ts'
import type { Bucket } from '../../base/model.ts'
import { aclsCount } from '../access/bucket-rules.ts'
import type { Call } from '../operation.ts'
import { ownerOf } from '../shapes.ts'

type Owner = Awaited<ReturnType<typeof ownerOf>>

/**
 * Whose each of a page's objects is, by its place. Where ACLs count nowhere, and that is nearly everywhere, all are the
 * bucket owner's, and nothing is asked.
 */
export async function findOwners(
  call: Pick<Call, 'engine' | 'identity'> & { bucket: Bucket },
  versions: readonly { key: ObjectKey; versionId?: VersionId }[],
  signal: AbortSignal,
): Promise<(n: number) => Owner> {
  const { engine, bucket } = call
  const bucketOwner = await ownerOf(bucket.ownerId, call, signal)
  if (!aclsCount(bucket.settings) || versions.length === 0) return () => bucketOwner
  const ids = await engine.catalogue.findOwners({ bucketId: bucket.id, versions }, signal)
  const owners = new Map([[bucket.ownerId, bucketOwner]])
  for (const id of ids) {
    if (id !== undefined && !owners.has(id)) owners.set(id, await ownerOf(id, call, signal))
  }
  return (n) => owners.get(ids[n] ?? bucket.ownerId) ?? bucketOwner
}
