import { StoreFault } from '../../base/faults.ts'
import { invalidRequest, objectKey } from '../fields.ts'
import { newLock } from '../lock/new-lock.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { judgeSourceConditions } from '../objects/read-conditions.ts'
import { existing } from '../objects/read-object.ts'
import { countingCondition, renameCondition } from '../objects/rename-condition.ts'
import { renameSource } from '../objects/rename-source.ts'
import { clientToken, renameToken } from '../objects/rename-token.ts'
import { writtenVersion } from '../objects/version.ts'
import { noBody, operation } from '../operation.ts'

/** How often a source may become another one between being looked at and being renamed. */
const TRIES_MAX = 8

/**
 * Metadata only, whatever the size, and atomic. S3 has it for directory buckets; here it is for all.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
 */
export const renameObject = operation({
  name: 'RenameObject',
  route: { method: 'PUT', on: 'object', query: ['renameObject'] },
  action: 's3:PutObject',
  lookUp: 'bucket',
  request: { key: objectKey, source: renameSource, given: renameCondition, clientToken },
  payload: noBody,
  status: 200,
  note: 'for every bucket; with versions, the source is left under a delete marker',
  async handle(call, { key, source, given, clientToken }, signal) {
    const { engine, bucket, clock, access, identity } = call
    if (key === source.key)
      throw invalidRequest('This rename request is illegal because it renames an object to itself.')
    if (key.endsWith('/') || source.key.endsWith('/')) {
      throw invalidRequest('A rename is of one object: neither of its keys may end in a slash.')
    }
    const condition = countingCondition(given, clock)
    const lock = newLock(call, undefined)
    const token = clientToken === undefined ? undefined : renameToken(clientToken, identity, { key, source, given })
    const query = { bucket: bucket.name, key: source.key, versionId: undefined }
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const found = await engine.findObject(query, signal)
      // Done before: then the source is gone, and who asks again need not have leave to hear that.
      const before =
        !found.object && token && (await engine.catalogue.findRename({ bucketId: bucket.id, token }, signal))
      if (before) return replyOf(before)
      access.demand({ action: 's3:GetObject', bucket, key: source.key, object: found.object ?? null })
      access.demand({ action: 's3:DeleteObject', bucket, key: source.key })
      const object = existing(found, { key: source.key, versionId: undefined })
      judgeSourceConditions(source.conditions, object, clock)
      const rename = { source: object, key, lock, condition, token, ...eventOrigin(call) }
      const renamed = await engine.catalogue.renameObject(rename, signal)
      if (renamed) return replyOf(renamed)
    }
    throw new StoreFault('SlowDown', { reason: 'what is to be renamed is written all the time' })
  },
})

function replyOf({ versionId }: { versionId: Parameters<typeof writtenVersion>[0] }) {
  return { headers: { 'x-amz-version-id': writtenVersion(versionId) } }
}
