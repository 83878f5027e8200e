import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { publicAccessBlockOf } from '../access/bucket-rules.ts'
import { checkPrincipals } from '../access/check-principals.ts'
import { demandOwnAccount } from '../access/own-account.ts'
import { isPublicPolicy } from '../access/policy/is-public.ts'
import { compactPolicy, parsePolicy } from '../access/policy/parse-policy.ts'
import { operation, textPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html */
export const putBucketPolicy = operation({
  name: 'PutBucketPolicy',
  route: { method: 'PUT', on: 'bucket', query: ['policy'] },
  action: 's3:PutBucketPolicy',
  lookUp: 'bucket',
  request: {},
  payload: textPayload(limits.xmlBytesMax),
  status: 200,
  async handle({ engine, bucket, document, access, head }, _input, signal) {
    demandOwnAccount(access, bucket, head)
    const text = compactPolicy(document)
    const policy = parsePolicy(text, { of: 'bucket', bucket: bucket.name })
    await checkPrincipals(policy, engine.catalogue, signal)
    if (publicAccessBlockOf(bucket.settings).blockPublicPolicy && isPublicPolicy(policy)) {
      throw new StoreFault('AccessDenied', { reason: 'the bucket takes no public policy' })
    }
    await engine.catalogue.changeBucketSetting({ bucket, name: 'policy', value: text }, signal)
    // The model says 200, S3's servers 204.
    return { status: 204 }
  },
})
