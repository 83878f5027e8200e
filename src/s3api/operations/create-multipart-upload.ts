import { uploadAbort } from '../../base/lifecycle/due.ts'
import { askedAcl } from '../access/acl/acl-headers.ts'
import { writtenAccess } from '../access/written-access.ts'
import { accountOf } from '../authorise.ts'
import { writtenEncryptionHeaders } from '../encryption/encryption-headers.ts'
import { encryptionWish, requestedEncryption } from '../encryption/requested-encryption.ts'
import { objectKey } from '../fields.ts'
import { abortHeaders } from '../lifecycle/due-headers.ts'
import { lockGiven } from '../lock/lock-headers.ts'
import { newLock } from '../lock/new-lock.ts'
import { objectAttributes } from '../objects/attributes.ts'
import { objectExtras, withExtras } from '../objects/extras.ts'
import { needsAlongWrite } from '../objects/needs-along.ts'
import { noBody, operation, xml } from '../operation.ts'
import { uploadChecksum } from '../uploads/upload-checksum.ts'
import { text } from '../xml/kinds.ts'
import { structure } from '../xml/shape.ts'

const result = structure({ Bucket: text, Key: text, UploadId: text })

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
export const createMultipartUpload = operation({
  name: 'CreateMultipartUpload',
  route: { method: 'POST', on: 'object', query: ['uploads'] },
  action: 's3:PutObject',
  alsoNeeds: needsAlongWrite,
  lookUp: 'bucket',
  request: {
    key: objectKey,
    attributes: objectAttributes,
    extras: objectExtras,
    acl: askedAcl,
    lock: lockGiven,
    checksum: uploadChecksum,
    encryption: requestedEncryption,
  },
  payload: noBody,
  status: 200,
  body: xml('InitiateMultipartUploadResult', result),
  async handle(call, input, signal) {
    const { engine, bucket, identity, clock, settings } = call
    const { key, attributes, extras, checksum, encryption } = input
    const access = await writtenAccess(call, input.acl, signal)
    const lock = newLock(call, input.lock)
    const upload = {
      bucket,
      key,
      attributes,
      extras: withExtras(extras, { access, lock }),
      initiatorId: accountOf(identity).id,
      checksumAlgorithm: checksum.algorithm,
      checksumType: checksum.type,
      encryption: encryptionWish(encryption, bucket, settings),
    }
    const rules = await engine.lifecycleRules(bucket, signal)
    const created = await engine.createUpload(upload, signal)
    return {
      headers: {
        'x-amz-checksum-algorithm': checksum.algorithm,
        'x-amz-checksum-type': checksum.type,
        ...writtenEncryptionHeaders(created.encryption, encryption.customerKey),
        ...abortHeaders(uploadAbort(rules, key, { initiatedMs: clock.nowMs(), dayMs: settings.lifecycleDayMs })),
      },
      output: { Bucket: bucket.name, Key: key, UploadId: created.uploadId },
    }
  },
})
