import { noBody, operation } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
export const headBucket = operation({
  name: 'HeadBucket',
  route: { method: 'HEAD', on: 'bucket' },
  action: 's3:ListBucket',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  async handle({ bucket }) {
    return { headers: { 'x-amz-bucket-region': bucket.region, 'x-amz-access-point-alias': 'false' } }
  },
})
