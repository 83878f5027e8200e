import { limits } from '../../base/limits.ts'
import { encryptionConfiguration, readBucketEncryption } from '../encryption/bucket-encryption.ts'
import { operation, xmlPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html */
export const putBucketEncryption = operation({
  name: 'PutBucketEncryption',
  route: { method: 'PUT', on: 'bucket', query: ['encryption'] },
  action: 's3:PutEncryptionConfiguration',
  lookUp: 'bucket',
  request: {},
  payload: xmlPayload('ServerSideEncryptionConfiguration', encryptionConfiguration, {
    sizeBytesMax: limits.xmlBytesMax,
    needsProof: true,
  }),
  status: 200,
  async handle({ engine, bucket, document }, _input, signal) {
    const value = readBucketEncryption(document)
    // Told now, not by every PUT from now on.
    if (value.algorithm === 'aws:kms') await engine.checkKmsKey(value.keyId, signal)
    await engine.catalogue.changeBucketSetting({ bucket, name: 'encryption', value }, signal)
    return {}
  },
})
