import { createHash } from 'node:crypto'
import type { Lifecycle } from '../../base/lifecycle/rules.ts'
import { limits } from '../../base/limits.ts'
import { headerOr, invalidRequest } from '../fields.ts'
import { lifecycleConfiguration, sizeMinHeader } from '../lifecycle/configuration.ts'
import { parseRules } from '../lifecycle/parse-rules.ts'
import { operation, xmlPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html */
export const putBucketLifecycleConfiguration = operation({
  name: 'PutBucketLifecycleConfiguration',
  route: { method: 'PUT', on: 'bucket', query: ['lifecycle'] },
  action: 's3:PutLifecycleConfiguration',
  lookUp: 'bucket',
  request: { transitionSizeMin: headerOr(sizeMinHeader, parseSizeMin, 'all_storage_classes_128K' as const) },
  payload: xmlPayload('LifecycleConfiguration', lifecycleConfiguration, {
    sizeBytesMax: limits.xmlBytesMax,
    // 1,000 rules, each with filters, tags and actions.
    elementsMax: 100_000,
    needsProof: true,
  }),
  status: 200,
  async handle({ engine, bucket, document }, { transitionSizeMin }, signal) {
    const content = { rules: parseRules(document.Rule), transitionSizeMin }
    const revision = createHash('sha256').update(JSON.stringify(content)).digest('base64url')
    await engine.catalogue.putLifecycle({ bucket, lifecycle: { revision, ...content } }, signal)
    return { headers: { [sizeMinHeader]: transitionSizeMin } }
  },
})

function parseSizeMin(text: string): Lifecycle['transitionSizeMin'] {
  if (text !== 'all_storage_classes_128K' && text !== 'varies_by_storage_class') {
    throw invalidRequest('Invalid TransitionDefaultMinimumObjectSize found')
  }
  return text
}
