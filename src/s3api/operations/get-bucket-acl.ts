import { aclToXml, aclXml } from '../access/acl/acl-xml.ts'
import { bucketAcl } from '../access/bucket-rules.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketAcl.html */
export const getBucketAcl = operation({
  name: 'GetBucketAcl',
  route: { method: 'GET', on: 'bucket', query: ['acl'] },
  action: 's3:GetBucketAcl',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('AccessControlPolicy', aclXml),
  async handle({ engine, bucket }, _input, signal) {
    return { output: await aclToXml(bucketAcl(bucket), bucket.ownerId, engine.catalogue, signal) }
  },
})
