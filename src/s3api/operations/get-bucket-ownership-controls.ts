import { StoreFault } from '../../base/faults.ts'
import { ownershipOf } from '../access/bucket-rules.ts'
import { ownershipControlsXml } from '../access/object-ownership.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketOwnershipControls.html */
export const getBucketOwnershipControls = operation({
  name: 'GetBucketOwnershipControls',
  route: { method: 'GET', on: 'bucket', query: ['ownershipControls'] },
  action: 's3:GetBucketOwnershipControls',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('OwnershipControls', ownershipControlsXml),
  async handle({ bucket: { name, settings } }) {
    const ownership = ownershipOf(settings)
    if (ownership === undefined) throw new StoreFault('OwnershipControlsNotFoundError', { bucket: name })
    return { output: { Rule: [{ ObjectOwnership: ownership as string }] } }
  },
})
