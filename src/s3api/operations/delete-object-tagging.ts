import { objectKey } from '../fields.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { existing } from '../objects/read-object.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html */
export const deleteObjectTagging = operation({
  name: 'DeleteObjectTagging',
  route: { method: 'DELETE', on: 'object', query: ['tagging'] },
  action: 's3:DeleteObjectTagging',
  lookUp: 'object',
  request: { key: objectKey, versionId },
  payload: noBody,
  status: 204,
  async handle(call, { key, versionId }, signal) {
    const { engine, bucket, found } = call
    existing(found, { key, versionId })
    const change = { bucketId: bucket.id, key, versionId, tags: [], ...eventOrigin(call) }
    const tagged = await engine.catalogue.tagObject(change, signal)
    return { headers: versionHeaders(bucket, tagged) }
  },
})
