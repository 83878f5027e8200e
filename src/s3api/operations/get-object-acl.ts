import { aclToXml, aclXml } from '../access/acl/acl-xml.ts'
import { objectAcl } from '../access/bucket-rules.ts'
import { objectKey } from '../fields.ts'
import { existing } from '../objects/read-object.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAcl.html */
export const getObjectAcl = operation({
  name: 'GetObjectAcl',
  route: { method: 'GET', on: 'object', query: ['acl'] },
  action: 's3:GetObjectAcl',
  lookUp: 'object',
  request: { key: objectKey, versionId },
  payload: noBody,
  status: 200,
  body: xml('AccessControlPolicy', aclXml),
  async handle({ engine, bucket, found }, input, signal) {
    const object = existing(found, input)
    const { ownerId, acl } = objectAcl(bucket, object)
    return {
      headers: versionHeaders(bucket, object),
      output: await aclToXml(acl, ownerId, engine.catalogue, signal),
    }
  },
})
