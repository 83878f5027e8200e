import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketLifecycle.html */
export const deleteBucketLifecycle = operation({
  name: 'DeleteBucketLifecycle',
  route: { method: 'DELETE', on: 'bucket', query: ['lifecycle'] },
  // S3 knows no action of its own for it.
  action: 's3:PutLifecycleConfiguration',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, _input, signal) {
    await engine.catalogue.putLifecycle({ bucket, lifecycle: undefined }, signal)
    return {}
  },
})
