import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketCors.html */
export const deleteBucketCors = operation({
  name: 'DeleteBucketCors',
  route: { method: 'DELETE', on: 'bucket', query: ['cors'] },
  action: 's3:PutBucketCORS',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, _input, signal) {
    await engine.catalogue.changeBucketSetting({ bucket, name: 'cors', value: undefined }, signal)
    return {}
  },
})
