import { StoreFault } from '../../base/faults.ts'
import { lockConfiguration, writeLockConfiguration } from '../lock/lock-configuration.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html */
export const getObjectLockConfiguration = operation({
  name: 'GetObjectLockConfiguration',
  route: { method: 'GET', on: 'bucket', query: ['object-lock'] },
  action: 's3:GetBucketObjectLockConfiguration',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('ObjectLockConfiguration', lockConfiguration),
  async handle({ bucket }) {
    const { objectLock } = bucket.settings
    if (!objectLock) throw new StoreFault('ObjectLockConfigurationNotFoundError', { bucket: bucket.name })
    return { output: writeLockConfiguration(objectLock) }
  },
})
