import { noBody, operation } from '../operation.ts'

/** The bucket is then as one with ObjectWriter. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketOwnershipControls.html */
export const deleteBucketOwnershipControls = operation({
  name: 'DeleteBucketOwnershipControls',
  route: { method: 'DELETE', on: 'bucket', query: ['ownershipControls'] },
  action: 's3:PutBucketOwnershipControls',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, _input, signal) {
    await engine.catalogue.changeBucketSetting({ bucket, name: 'ownership', value: 'none' }, signal)
    return {}
  },
})
