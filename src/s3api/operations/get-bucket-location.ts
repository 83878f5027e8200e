import { noBody, operation, xml } from '../operation.ts'
import { text } from '../xml/kinds.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLocation.html: us-east-1 is told by saying nothing. */
export const getBucketLocation = operation({
  name: 'GetBucketLocation',
  route: { method: 'GET', on: 'bucket', query: ['location'] },
  action: 's3:GetBucketLocation',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('LocationConstraint', text),
  async handle({ bucket }) {
    return { output: bucket.region === 'us-east-1' ? '' : bucket.region }
  },
})
