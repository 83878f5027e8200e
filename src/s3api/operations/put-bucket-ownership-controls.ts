import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { bucketAcl, isPrivateAcl } from '../access/bucket-rules.ts'
import { fromXml, ownershipControlsXml, toSetting } from '../access/object-ownership.ts'
import { operation, xmlPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketOwnershipControls.html */
export const putBucketOwnershipControls = operation({
  name: 'PutBucketOwnershipControls',
  route: { method: 'PUT', on: 'bucket', query: ['ownershipControls'] },
  action: 's3:PutBucketOwnershipControls',
  lookUp: 'bucket',
  request: {},
  payload: xmlPayload('OwnershipControls', ownershipControlsXml, { sizeBytesMax: limits.xmlBytesMax }),
  status: 200,
  async handle({ engine, bucket, document }, _input, signal) {
    const ownership = fromXml(document)
    // Somebody relies on the ACL who would be shut out without a word.
    if (ownership === 'BucketOwnerEnforced' && !isPrivateAcl(bucketAcl(bucket), bucket.ownerId)) {
      throw new StoreFault('InvalidBucketAclWithObjectOwnership', {})
    }
    await engine.catalogue.changeBucketSetting({ bucket, name: 'ownership', value: toSetting(ownership) }, signal)
    return {}
  },
})
