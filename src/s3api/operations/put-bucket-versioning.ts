import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { operation, xmlPayload } from '../operation.ts'
import { versioningConfiguration } from '../shapes.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketVersioning.html */
export const putBucketVersioning = operation({
  name: 'PutBucketVersioning',
  route: { method: 'PUT', on: 'bucket', query: ['versioning'] },
  action: 's3:PutBucketVersioning',
  lookUp: 'bucket',
  request: {},
  payload: xmlPayload('VersioningConfiguration', versioningConfiguration, { sizeBytesMax: limits.xmlBytesMax }),
  status: 200,
  async handle({ engine, bucket, document: { Status, MfaDelete } }, _input, signal) {
    if (MfaDelete !== undefined && MfaDelete !== 'Disabled') {
      if (MfaDelete === 'Enabled') throw new StoreFault('NotImplemented', { feature: 'MFA delete' })
      throw new StoreFault('MalformedXML', { reason: `MfaDelete ${MfaDelete}` })
    }
    if (Status === undefined) {
      throw new StoreFault('IllegalVersioningConfigurationException', {
        reason: 'The Versioning element must be specified',
      })
    }
    if (Status !== 'Enabled' && Status !== 'Suspended')
      throw new StoreFault('MalformedXML', { reason: `Status ${Status}` })
    await engine.catalogue.setVersioning({ bucket, versioning: Status }, signal)
    return {}
  },
})
