import { policyOf } from '../access/bucket-rules.ts'
import { demandOwnAccount } from '../access/own-account.ts'
import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicy.html */
export const getBucketPolicy = operation({
  name: 'GetBucketPolicy',
  route: { method: 'GET', on: 'bucket', query: ['policy'] },
  action: 's3:GetBucketPolicy',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  async handle({ bucket, access, head }) {
    demandOwnAccount(access, bucket, head)
    return { json: policyOf(bucket) }
  },
})
