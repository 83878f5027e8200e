import { StoreFault } from '../../base/faults.ts'
import type { TagSet } from '../../base/model.ts'
import { noBody, operation, xml } from '../operation.ts'
import { tagging, writeTagList } from '../tagging/tag-set.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketTagging.html */
export const getBucketTagging = operation({
  name: 'GetBucketTagging',
  route: { method: 'GET', on: 'bucket', query: ['tagging'] },
  action: 's3:GetBucketTagging',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('Tagging', tagging),
  async handle({ engine, bucket }, _input, signal) {
    const document = await engine.catalogue.findBucketDocument({ bucketId: bucket.id, name: 'tagging' }, signal)
    if (document === undefined) throw new StoreFault('NoSuchTagSet', { bucket: bucket.name })
    return { output: { TagSet: writeTagList(document as TagSet) } }
  },
})
