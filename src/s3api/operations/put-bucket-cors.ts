import { CORS_BYTES_MAX, corsConfiguration, toCorsRules } from '../cors/cors-document.ts'
import { operation, xmlPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketCors.html */
export const putBucketCors = operation({
  name: 'PutBucketCors',
  route: { method: 'PUT', on: 'bucket', query: ['cors'] },
  action: 's3:PutBucketCORS',
  lookUp: 'bucket',
  request: {},
  payload: xmlPayload('CORSConfiguration', corsConfiguration, { sizeBytesMax: CORS_BYTES_MAX, needsProof: true }),
  status: 200,
  async handle({ engine, bucket, document }, _input, signal) {
    await engine.catalogue.changeBucketSetting({ bucket, name: 'cors', value: toCorsRules(document) }, signal)
    return {}
  },
})
