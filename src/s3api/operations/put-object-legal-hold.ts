import { limits } from '../../base/limits.ts'
import { demandByBody } from '../access/demand-by-body.ts'
import { saidByLegalHold } from '../access/request-context.ts'
import { objectKey } from '../fields.ts'
import { findLocked } from '../lock/find-locked.ts'
import { legalHold, parseLegalHold } from '../lock/legal-hold.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { operation, xmlPayload } from '../operation.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html */
export const putObjectLegalHold = operation({
  name: 'PutObjectLegalHold',
  route: { method: 'PUT', on: 'object', query: ['legal-hold'] },
  action: 's3:PutObjectLegalHold',
  judgedBy: 'body',
  lookUp: 'object',
  request: { key: objectKey, versionId },
  payload: xmlPayload('LegalHold', legalHold, { sizeBytesMax: limits.xmlBytesMax }),
  status: 200,
  async handle(call, { key, versionId }, signal) {
    const { engine, bucket, document } = call
    const isOn = parseLegalHold(document)
    demandByBody(call, { key, versionId }, ['s3:PutObjectLegalHold'], saidByLegalHold(isOn))
    findLocked(call, { key, versionId })
    const change = { bucketId: bucket.id, key, versionId, isOn }
    const changed = await engine.catalogue.holdObject(change, signal)
    return { headers: versionHeaders(bucket, changed) }
  },
})
