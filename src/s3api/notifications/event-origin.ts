import type { Bucket } from '../../base/model.ts'
import type { EventOrigin } from '../../base/notifications/rules.ts'
import type { Call } from '../operation.ts'

/** Who is said to have asked for a change, to be spread into it; nobody, where the bucket tells nobody. */
export function eventOrigin({
  bucket,
  identity,
  head,
  exchange,
}: Pick<Call, 'identity' | 'head' | 'exchange'> & { bucket: Bucket }): { origin?: EventOrigin } {
  if (!bucket.settings.notification) return {}
  const { requestId, req } = exchange
  return {
    origin: {
      // A form is handled as the PUT that it means.
      ...(req.method === 'POST' && head.method === 'PUT' && { via: 'Post' as const }),
      ...(identity.kind === 'account' && { principal: identity.accessKey.account.id }),
      address: head.address,
      requestId,
    },
  }
}
