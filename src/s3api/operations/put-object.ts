import { askedAcl } from '../access/acl/acl-headers.ts'
import { writtenAccess } from '../access/written-access.ts'
import { checksumHeaders } from '../checksums/algorithms.ts'
import { writtenEncryptionHeaders } from '../encryption/encryption-headers.ts'
import { encryptionWish, requestedEncryption } from '../encryption/requested-encryption.ts'
import { objectKey } from '../fields.ts'
import { expirationTeller } from '../lifecycle/tell-expiration.ts'
import { lockGiven } from '../lock/lock-headers.ts'
import { newLock } from '../lock/new-lock.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { objectAttributes } from '../objects/attributes.ts'
import { objectExtras, withExtras } from '../objects/extras.ts'
import { needsAlongWrite } from '../objects/needs-along.ts'
import { writtenVersion } from '../objects/version.ts'
import { writeCondition } from '../objects/write-condition.ts'
import { bytes, operation } from '../operation.ts'
import { bodyBytesMax } from '../settings.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const putObject = operation({
  name: 'PutObject',
  route: { method: 'PUT', on: 'object' },
  action: 's3:PutObject',
  alsoNeeds: needsAlongWrite,
  lookUp: 'bucket',
  request: {
    key: objectKey,
    attributes: objectAttributes,
    extras: objectExtras,
    acl: askedAcl,
    lock: lockGiven,
    condition: writeCondition,
    encryption: requestedEncryption,
  },
  payload: bytes(bodyBytesMax),
  status: 200,
  async handle(call, { acl, lock: given, encryption: asked, ...input }, signal) {
    const { engine, bucket, body, settings } = call
    const access = await writtenAccess(call, acl, signal)
    const lock = newLock(call, given)
    const extras = withExtras(input.extras, { access, lock })
    const encryption = encryptionWish(asked, bucket, settings)
    const tellExpiration = await expirationTeller(call, signal)
    const put = { bucket, ...input, extras, encryption, claims: body.claims, ...eventOrigin(call) }
    const written = await engine.putObject(put, body.stream, signal)
    const { committedAt } = written
    return {
      headers: {
        ETag: `"${written.etag}"`,
        'x-amz-version-id': writtenVersion(written.versionId),
        ...checksumHeaders(written.checksum),
        ...writtenEncryptionHeaders(written.encryption, asked.customerKey),
        ...tellExpiration({ ...input, committedAt, sizeBytes: body.claims.sizeBytes }),
      },
    }
  },
})
