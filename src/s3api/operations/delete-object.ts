import { StoreFault } from '../../base/faults.ts'
import { headers, objectKey } from '../fields.ts'
import { onlyVersion } from '../objects/version.ts'
import { noBody, operation } from '../operation.ts'
import { headerOf } from '../request-head.ts'

/** A condition that was passed over would delete what was to be kept. Fault: NotImplemented. */
const noCondition = headers('condition', ['if-match'], (head) => {
  if (headerOf(head, 'if-match') !== undefined)
    throw new StoreFault('NotImplemented', { feature: 'If-Match on deletes' })
})

/** A missing key is deleted already. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html */
export const deleteObject = operation({
  name: 'DeleteObject',
  route: { method: 'DELETE', on: 'object' },
  action: 's3:DeleteObject',
  lookUp: 'bucket',
  request: { key: objectKey, versionId: onlyVersion, condition: noCondition },
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, { key }, signal) {
    await engine.deleteObjects(bucket, [key], signal)
    return {}
  },
})
