import { limits } from '../../base/limits.ts'
import { operation, xmlPayload } from '../operation.ts'
import { parseTagList, tagging } from '../tagging/tag-set.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html */
export const putBucketTagging = operation({
  name: 'PutBucketTagging',
  route: { method: 'PUT', on: 'bucket', query: ['tagging'] },
  action: 's3:PutBucketTagging',
  lookUp: 'bucket',
  request: {},
  payload: xmlPayload('Tagging', tagging, { sizeBytesMax: limits.xmlBytesMax, needsProof: true }),
  status: 200,
  async handle({ engine, bucket, document }, _input, signal) {
    const tags = parseTagList(document.TagSet, 'bucket')
    await engine.catalogue.putBucketDocument({ bucket, name: 'tagging', document: tags }, signal)
    // As S3 answers, whatever its model says.
    return { status: 204 }
  },
})
