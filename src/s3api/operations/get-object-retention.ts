import { StoreFault } from '../../base/faults.ts'
import { retainedUntil } from '../../base/object-lock.ts'
import { objectKey } from '../fields.ts'
import { findLocked } from '../lock/find-locked.ts'
import { retention } from '../lock/retention.ts'
import { versionId } from '../objects/version.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectRetention.html */
export const getObjectRetention = operation({
  name: 'GetObjectRetention',
  route: { method: 'GET', on: 'object', query: ['retention'] },
  action: 's3:GetObjectRetention',
  lookUp: 'object',
  request: { key: objectKey, versionId },
  payload: noBody,
  status: 200,
  body: xml('Retention', retention),
  async handle(call, input) {
    const { extras, committedAt, key } = findLocked(call, input)
    const lock = extras?.lock
    if (!lock?.mode) throw new StoreFault('NoSuchObjectLockConfiguration', { key })
    return { output: { Mode: lock.mode, RetainUntilDate: retainedUntil(lock, committedAt) } }
  },
})
