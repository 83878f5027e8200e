import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketTagging.html */
export const deleteBucketTagging = operation({
  name: 'DeleteBucketTagging',
  route: { method: 'DELETE', on: 'bucket', query: ['tagging'] },
  action: 's3:PutBucketTagging',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, _input, signal) {
    await engine.catalogue.putBucketDocument({ bucket, name: 'tagging', document: undefined }, signal)
    return {}
  },
})
