import { limits } from '../../base/limits.ts'
import { demandByBody } from '../access/demand-by-body.ts'
import { saidByTags } from '../access/request-context.ts'
import { objectKey } from '../fields.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { existing } from '../objects/read-object.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { operation, xmlPayload } from '../operation.ts'
import { parseTagList, tagging } from '../tagging/tag-set.ts'

/** Last-Modified stays. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html */
export const putObjectTagging = operation({
  name: 'PutObjectTagging',
  route: { method: 'PUT', on: 'object', query: ['tagging'] },
  action: 's3:PutObjectTagging',
  judgedBy: 'body',
  lookUp: 'object',
  request: { key: objectKey, versionId },
  payload: xmlPayload('Tagging', tagging, { sizeBytesMax: limits.xmlBytesMax }),
  status: 200,
  async handle(call, { key, versionId }, signal) {
    const { engine, bucket, found, document } = call
    const tags = parseTagList(document.TagSet, 'object')
    demandByBody(call, { key, versionId }, ['s3:PutObjectTagging'], saidByTags(tags))
    existing(found, { key, versionId })
    const change = { bucketId: bucket.id, key, versionId, tags, ...eventOrigin(call) }
    const tagged = await engine.catalogue.tagObject(change, signal)
    return { headers: versionHeaders(bucket, tagged) }
  },
})
