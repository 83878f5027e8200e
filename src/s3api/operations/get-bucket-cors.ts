import { StoreFault } from '../../base/faults.ts'
import { corsConfiguration, toCorsDocument } from '../cors/cors-document.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketCors.html */
export const getBucketCors = operation({
  name: 'GetBucketCors',
  route: { method: 'GET', on: 'bucket', query: ['cors'] },
  action: 's3:GetBucketCORS',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('CORSConfiguration', corsConfiguration),
  async handle({ bucket }) {
    const { cors } = bucket.settings
    if (!cors) throw new StoreFault('NoSuchCORSConfiguration', { bucket: bucket.name })
    return { output: toCorsDocument(cors) }
  },
})
