import { noBody, operation } from '../operation.ts'

/** The store's own default counts again. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketEncryption.html */
export const deleteBucketEncryption = operation({
  name: 'DeleteBucketEncryption',
  route: { method: 'DELETE', on: 'bucket', query: ['encryption'] },
  action: 's3:PutEncryptionConfiguration',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, _input, signal) {
    await engine.catalogue.changeBucketSetting({ bucket, name: 'encryption', value: undefined }, signal)
    return {}
  },
})
