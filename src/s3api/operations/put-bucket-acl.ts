import { limits } from '../../base/limits.ts'
import { askedAcl } from '../access/acl/acl-headers.ts'
import { askedAclXml } from '../access/acl/acl-xml.ts'
import { takeAcl } from '../access/acl/take-acl.ts'
import { isPrivateAcl } from '../access/bucket-rules.ts'
import { operation, xmlPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html */
export const putBucketAcl = operation({
  name: 'PutBucketAcl',
  route: { method: 'PUT', on: 'bucket', query: ['acl'] },
  action: 's3:PutBucketAcl',
  lookUp: 'bucket',
  request: { asked: askedAcl },
  payload: xmlPayload('AccessControlPolicy', askedAclXml, { sizeBytesMax: limits.xmlBytesMax, isOptional: true }),
  status: 200,
  async handle({ engine, bucket, document }, { asked }, signal) {
    const { ownerId } = bucket
    const acl = await takeAcl({ headers: asked, document }, { bucket, ownerId }, engine.catalogue, signal)
    const value = isPrivateAcl(acl, ownerId) ? undefined : acl
    await engine.catalogue.changeBucketSetting({ bucket, name: 'acl', value }, signal)
    return {}
  },
})
