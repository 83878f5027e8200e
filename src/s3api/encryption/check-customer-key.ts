import type { ObjectVersion } from '../../base/model.ts'
import type { Engine } from '../../engine/engine.ts'
import type { CustomerKey } from './customer-key.ts'

/**
 * What is told of an object under a customer's key is told to who has it. What the store has the key of is not opened for
 * that. Faults: InvalidRequest, AccessDenied.
 */
export function checkCustomerKey(engine: Engine, object: ObjectVersion, given: CustomerKey | undefined): void {
  if (given || object.extras?.encryption?.kind === 'customer') engine.unlock(object, given?.key)
}
