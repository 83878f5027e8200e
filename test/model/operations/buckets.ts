import { element } from '../../../conformance/support/suite.ts'
import { operation } from '../operation.ts'
import { readHead, refusal } from '../said.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html */
export const putBucketVersioning = operation<{ status: 'Enabled' | 'Suspended' }>({
  make: (chance) => ({ status: chance.oneIn(3) ? 'Suspended' : 'Enabled' }),
  call: ({ status }) => ({
    method: 'PUT',
    query: { versioning: '' },
    body: Buffer.from(`<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`),
  }),
  expect({ status }, { bucket }) {
    bucket.versioning = status
    return { status: 200 }
  },
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html */
export const getBucketVersioning = operation<object>({
  make: () => ({}),
  call: () => ({ method: 'GET', query: { versioning: '' } }),
  expect: (_, { bucket }) => ({ status: 200, lines: bucket.versioning === 'never' ? [] : [bucket.versioning] }),
  read(answer, nameOf) {
    const status = element(answer.body, 'Status')
    return { ...readHead(answer, nameOf), lines: status === undefined ? [] : [status] }
  },
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html: for good, once nothing is in it. */
export const deleteBucket = operation<object>({
  make: () => undefined,
  call: () => ({ method: 'DELETE' }),
  // Whether uploads under way keep a bucket, S3 does not say.
  expect: (_, { bucket }) => (bucket.versions.length > 0 ? refusal(409, 'BucketNotEmpty') : { status: 204 }),
})
