import { limits } from '../../base/limits.ts'
import { askedAcl } from '../access/acl/acl-headers.ts'
import { askedAclXml } from '../access/acl/acl-xml.ts'
import { takeAcl } from '../access/acl/take-acl.ts'
import { objectAcl } from '../access/bucket-rules.ts'
import { accessRecord } from '../access/written-access.ts'
import { objectKey } from '../fields.ts'
import { existing } from '../objects/read-object.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { operation, xmlPayload } from '../operation.ts'

/** Last-Modified stays. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
export const putObjectAcl = operation({
  name: 'PutObjectAcl',
  route: { method: 'PUT', on: 'object', query: ['acl'] },
  action: 's3:PutObjectAcl',
  lookUp: 'object',
  request: { key: objectKey, versionId, asked: askedAcl },
  payload: xmlPayload('AccessControlPolicy', askedAclXml, { sizeBytesMax: limits.xmlBytesMax, isOptional: true }),
  status: 200,
  async handle({ engine, bucket, found, document }, { key, versionId, asked }, signal) {
    const { ownerId } = objectAcl(bucket, existing(found, { key, versionId }))
    const acl = await takeAcl({ headers: asked, document }, { bucket, ownerId }, engine.catalogue, signal)
    const change = { bucketId: bucket.id, key, versionId, ownerId, access: accessRecord({ ownerId, acl }, bucket) }
    return { headers: versionHeaders(bucket, await engine.catalogue.setObjectAccess(change, signal)) }
  },
})
