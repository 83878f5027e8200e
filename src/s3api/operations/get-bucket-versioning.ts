import { noBody, operation, xml } from '../operation.ts'
import { versioningConfiguration } from '../shapes.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html: where it was never asked for, nothing is said. */
export const getBucketVersioning = operation({
  name: 'GetBucketVersioning',
  route: { method: 'GET', on: 'bucket', query: ['versioning'] },
  action: 's3:GetBucketVersioning',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('VersioningConfiguration', versioningConfiguration),
  async handle({ bucket: { versioning } }) {
    return { output: { Status: versioning === '' ? undefined : versioning, MfaDelete: undefined } }
  },
})
