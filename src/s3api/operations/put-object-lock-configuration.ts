import { limits } from '../../base/limits.ts'
import { headerOr } from '../fields.ts'
import { lockConfiguration, parseLockConfiguration } from '../lock/lock-configuration.ts'
import { operation, xmlPayload } from '../operation.ts'

/** What is locked once stays so. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html */
export const putObjectLockConfiguration = operation({
  name: 'PutObjectLockConfiguration',
  route: { method: 'PUT', on: 'bucket', query: ['object-lock'] },
  action: 's3:PutBucketObjectLockConfiguration',
  lookUp: 'bucket',
  // For buckets that had no object lock from the start, S3 has once asked for it.
  request: { token: headerOr('x-amz-bucket-object-lock-token', (value) => value, undefined) },
  payload: xmlPayload('ObjectLockConfiguration', lockConfiguration, {
    sizeBytesMax: limits.xmlBytesMax,
    needsProof: true,
  }),
  status: 200,
  async handle({ engine, bucket, document }, _input, signal) {
    const lock = parseLockConfiguration(document)
    await engine.catalogue.lockBucket({ bucket, lock }, signal)
    return {}
  },
})
