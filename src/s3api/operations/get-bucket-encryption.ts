import { StoreFault } from '../../base/faults.ts'
import { encryptionConfiguration, writeBucketEncryption } from '../encryption/bucket-encryption.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketEncryption.html */
export const getBucketEncryption = operation({
  name: 'GetBucketEncryption',
  route: { method: 'GET', on: 'bucket', query: ['encryption'] },
  action: 's3:GetEncryptionConfiguration',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('ServerSideEncryptionConfiguration', encryptionConfiguration),
  async handle({ bucket, settings }) {
    const standing = settings.defaultEncryption === 'AES256' ? ({ algorithm: 'AES256' } as const) : undefined
    const encryption = bucket.settings.encryption ?? standing
    if (!encryption) throw new StoreFault('ServerSideEncryptionConfigurationNotFoundError', { bucket: bucket.name })
    return { output: writeBucketEncryption(encryption) }
  },
})
