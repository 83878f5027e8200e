import { limits } from '../../base/limits.ts'
import { demandByBody } from '../access/demand-by-body.ts'
import { saidByRetention } from '../access/request-context.ts'
import { objectKey } from '../fields.ts'
import { bypass, findLocked, mayBypass, needsToBypass } from '../lock/find-locked.ts'
import { parseRetention, retention } from '../lock/retention.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { operation, xmlPayload } from '../operation.ts'

/**
 * A retention can be prolonged; what else weakens it takes leave to bypass it, and mode GOVERNANCE.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html
 */
export const putObjectRetention = operation({
  name: 'PutObjectRetention',
  route: { method: 'PUT', on: 'object', query: ['retention'] },
  action: 's3:PutObjectRetention',
  judgedBy: 'body',
  lookUp: 'object',
  request: { key: objectKey, versionId, bypass },
  payload: xmlPayload('Retention', retention, { sizeBytesMax: limits.xmlBytesMax }),
  status: 200,
  async handle(call, { key, versionId, bypass }, signal) {
    const { engine, bucket, document, clock, head } = call
    const retention = parseRetention(document, clock)
    const actions = ['s3:PutObjectRetention', ...needsToBypass(head)] as const
    demandByBody(call, { key, versionId }, actions, saidByRetention(retention, clock))
    findLocked(call, { key, versionId })
    const change = { bucketId: bucket.id, key, versionId, retention }
    const changed = await engine.catalogue.retainObject({ ...change, mayBypass: mayBypass(bucket, bypass) }, signal)
    return { headers: versionHeaders(bucket, changed) }
  },
})
