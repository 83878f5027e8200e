import type { Bucket } from '../../base/model.ts'
import type { FoundObject } from '../../engine/engine.ts'
import type { S3Action } from '../actions.ts'
import type { Call } from '../operation.ts'
import type { Said } from './request-context.ts'

/** Asks for what concerns one object, once it is known what the body says. Fault: AccessDenied. */
export function demandByBody(
  { access, bucket, found }: Pick<Call, 'access'> & { bucket: Bucket; found: FoundObject },
  { key, versionId }: { key: string; versionId: string | undefined },
  actions: readonly S3Action[],
  said: Said,
): void {
  const object = found.object ?? null
  for (const action of actions) access.demand({ action, bucket, key, versionId, object, said })
}
