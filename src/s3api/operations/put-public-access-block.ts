import { limits } from '../../base/limits.ts'
import { fromXml, publicAccessBlockXml } from '../access/public-access-block.ts'
import { operation, xmlPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutPublicAccessBlock.html */
export const putPublicAccessBlock = operation({
  name: 'PutPublicAccessBlock',
  route: { method: 'PUT', on: 'bucket', query: ['publicAccessBlock'] },
  action: 's3:PutBucketPublicAccessBlock',
  lookUp: 'bucket',
  request: {},
  payload: xmlPayload('PublicAccessBlockConfiguration', publicAccessBlockXml, { sizeBytesMax: limits.xmlBytesMax }),
  status: 200,
  async handle({ engine, bucket, document }, _input, signal) {
    const block = fromXml(document)
    // All four are what a bucket has that says nothing: look-ups carry no more than they need.
    const value = Object.values(block).every(Boolean) ? undefined : block
    await engine.catalogue.changeBucketSetting({ bucket, name: 'publicAccessBlock', value }, signal)
    return {}
  },
})
