import { StoreFault } from '../../base/faults.ts'
import { objectKey } from '../fields.ts'
import { bypass, mayBypass, needsToBypass } from '../lock/find-locked.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { deleteCondition, parseDeleteCondition } from '../objects/delete-condition.ts'
import { versionId } from '../objects/version.ts'
import { noBody, operation } from '../operation.ts'

/** A missing key is deleted already. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export const deleteObject = operation({
  name: 'DeleteObject',
  route: { method: 'DELETE', on: 'object' },
  action: 's3:DeleteObject',
  alsoNeeds: needsToBypass,
  lookUp: 'bucket',
  request: { key: objectKey, versionId, given: deleteCondition, bypass },
  payload: noBody,
  status: 204,
  async handle(call, { bypass, given, ...target }, signal) {
    const { engine, bucket, clock } = call
    const condition = parseDeleteCondition(given, clock)
    const wanted = { ...target, condition, mayBypass: mayBypass(bucket, bypass), ...eventOrigin(call) }
    const [deleted] = await engine.deleteObjects(bucket, [wanted], signal)
    if (deleted instanceof StoreFault) throw deleted
    const { versionId, isDeleteMarker } = deleted!
    return {
      headers: { 'x-amz-version-id': versionId, 'x-amz-delete-marker': isDeleteMarker ? 'true' : undefined },
    }
  },
})
