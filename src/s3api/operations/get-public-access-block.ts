import { StoreFault } from '../../base/faults.ts'
import { publicAccessBlockOf } from '../access/bucket-rules.ts'
import { publicAccessBlockXml, toXml } from '../access/public-access-block.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetPublicAccessBlock.html */
export const getPublicAccessBlock = operation({
  name: 'GetPublicAccessBlock',
  route: { method: 'GET', on: 'bucket', query: ['publicAccessBlock'] },
  action: 's3:GetBucketPublicAccessBlock',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('PublicAccessBlockConfiguration', publicAccessBlockXml),
  async handle({ bucket: { name, settings } }) {
    if (settings.publicAccessBlock === 'none') {
      throw new StoreFault('NoSuchPublicAccessBlockConfiguration', { bucket: name })
    }
    return { output: toXml(publicAccessBlockOf(settings)) }
  },
})
