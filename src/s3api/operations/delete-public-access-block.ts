import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeletePublicAccessBlock.html */
export const deletePublicAccessBlock = operation({
  name: 'DeletePublicAccessBlock',
  route: { method: 'DELETE', on: 'bucket', query: ['publicAccessBlock'] },
  action: 's3:PutBucketPublicAccessBlock',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, _input, signal) {
    await engine.catalogue.changeBucketSetting({ bucket, name: 'publicAccessBlock', value: 'none' }, signal)
    return {}
  },
})
