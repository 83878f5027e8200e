import { policyOf } from '../access/bucket-rules.ts'
import { compiledPolicy } from '../access/policy/compiled-policies.ts'
import { noBody, operation, xml } from '../operation.ts'
import { boolean } from '../xml/kinds.ts'
import { structure } from '../xml/shape.ts'

const status = structure({ IsPublic: boolean })

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketPolicyStatus.html */
export const getBucketPolicyStatus = operation({
  name: 'GetBucketPolicyStatus',
  route: { method: 'GET', on: 'bucket', query: ['policyStatus'] },
  action: 's3:GetBucketPolicyStatus',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('PolicyStatus', status),
  async handle({ bucket }) {
    const { isPublic } = compiledPolicy(policyOf(bucket), { of: 'bucket', bucket: bucket.name })
    return { output: { IsPublic: isPublic } }
  },
})
