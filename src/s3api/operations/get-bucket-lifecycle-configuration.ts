import { StoreFault } from '../../base/faults.ts'
import type { Lifecycle } from '../../base/lifecycle/rules.ts'
import { lifecycleConfiguration, sizeMinHeader } from '../lifecycle/configuration.ts'
import { writeRules } from '../lifecycle/write-rules.ts'
import { noBody, operation, xml } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html */
export const getBucketLifecycleConfiguration = operation({
  name: 'GetBucketLifecycleConfiguration',
  route: { method: 'GET', on: 'bucket', query: ['lifecycle'] },
  action: 's3:GetLifecycleConfiguration',
  lookUp: 'bucket',
  request: {},
  payload: noBody,
  status: 200,
  body: xml('LifecycleConfiguration', lifecycleConfiguration),
  async handle({ engine, bucket }, _input, signal) {
    const query = { bucketId: bucket.id, name: 'lifecycle' } as const
    const found = (await engine.catalogue.findBucketDocument(query, signal)) as Lifecycle | undefined
    if (!found) throw new StoreFault('NoSuchLifecycleConfiguration', { bucket: bucket.name })
    return { headers: { [sizeMinHeader]: found.transitionSizeMin }, output: { Rule: writeRules(found.rules) } }
  },
})
