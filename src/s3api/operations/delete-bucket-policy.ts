import { demandOwnAccount } from '../access/own-account.ts'
import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucketPolicy.html */
export const deleteBucketPolicy = operation({
  name: 'DeleteBucketPolicy',
  route: { method: 'DELETE', on: 'bucket', query: ['policy'] },
  action: 's3:DeleteBucketPolicy',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 204,
  async handle({ engine, bucket, access, head }, _input, signal) {
    demandOwnAccount(access, bucket, head)
    await engine.catalogue.changeBucketSetting({ bucket, name: 'policy', value: undefined }, signal)
    return {}
  },
})
