import { objectKey } from '../fields.ts'
import { existing } from '../objects/read-object.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { noBody, operation, xml } from '../operation.ts'
import { tagging, writeTagList } from '../tagging/tag-set.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectTagging.html */
export const getObjectTagging = operation({
  name: 'GetObjectTagging',
  route: { method: 'GET', on: 'object', query: ['tagging'] },
  action: 's3:GetObjectTagging',
  lookUp: 'object',
  request: { key: objectKey, versionId },
  payload: noBody,
  status: 200,
  body: xml('Tagging', tagging),
  async handle({ bucket, found }, input) {
    const object = existing(found, input)
    return { headers: versionHeaders(bucket, object), output: { TagSet: writeTagList(object.extras?.tags ?? []) } }
  },
})
