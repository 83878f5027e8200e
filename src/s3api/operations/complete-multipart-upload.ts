import { StoreFault } from '../../base/faults.ts'
import type { ObjectKey, VersionId } from '../../base/ids.ts'
import type { Bucket } from '../../base/model.ts'
import { checksumMembers, checksumOfValues, checksumValues, parseChecksumType } from '../checksums/algorithms.ts'
import { givenChecksum } from '../checksums/claims.ts'
import { customerKey } from '../encryption/customer-key.ts'
import { encryptionHeaders } from '../encryption/encryption-headers.ts'
import { headerOr, headers, integerIn, objectKey } from '../fields.ts'
import { expirationTeller } from '../lifecycle/tell-expiration.ts'
import { eventOrigin } from '../notifications/event-origin.ts'
import { writtenVersion } from '../objects/version.ts'
import { writeCondition } from '../objects/write-condition.ts'
import { type Call, operation, type ReplyHeaders, xml, xmlPayload } from '../operation.ts'
import type { RequestHead } from '../request-head.ts'
import { uploadId } from '../uploads/upload-inputs.ts'
import { etag, integer, text } from '../xml/kinds.ts'
import { flatList, optional, structure } from '../xml/shape.ts'

const completion = structure({
  Part: flatList(structure({ PartNumber: integer, ETag: etag, ...checksumMembers })),
})

const result = structure({
  Location: text,
  Bucket: text,
  Key: text,
  ETag: etag,
  ChecksumType: optional(text),
  ...checksumMembers,
})

/** 10,000 parts with ETag, SHA-256 and the indentation that some clients add: 250 bytes each. S3's own 1 MiB is too narrow. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024
/** S3's largest object is 50 TiB. */
const OBJECT_BYTES_MAX = 50 * 1024 ** 4

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html */
export const completeMultipartUpload = operation({
  name: 'CompleteMultipartUpload',
  route: { method: 'POST', on: 'object', query: ['uploadId'] },
  action: 's3:PutObject',
  lookUp: 'bucket',
  request: {
    key: objectKey,
    uploadId,
    checksum: headers('checksum', ['x-amz-checksum-*'], givenChecksum),
    checksumType: headerOr('x-amz-checksum-type', parseChecksumType, undefined),
    sizeBytes: headerOr('x-amz-mp-object-size', integerIn(0, OBJECT_BYTES_MAX), undefined),
    condition: writeCondition,
    customerKey,
  },
  payload: xmlPayload('CompleteMultipartUpload', completion, {
    sizeBytesMax: DOCUMENT_BYTES_MAX,
    // 10,000 parts, each with all that it may have.
    elementsMax: 100_000,
    isChecksumElsewhere: true,
  }),
  status: 200,
  body: xml('CompleteMultipartUploadResult', result),
  mayTakeLong: true,
  async handle(call, input, signal) {
    const { engine, bucket, head, document } = call
    if (document.Part.length === 0) throw new StoreFault('MalformedXML', { reason: 'no parts' })
    const parts = document.Part.map(({ PartNumber, ETag, ...checksums }) => ({
      number: PartNumber,
      etag: ETag,
      checksum: checksumOfValues(checksums),
    }))
    const object = await engine.completeUpload({ bucket, ...input, parts, ...eventOrigin(call) }, signal)
    return {
      headers: {
        'x-amz-version-id': writtenVersion(object.versionId),
        ...encryptionHeaders(object.encryption, input.customerKey),
        ...(await expirationOf(call, { key: input.key, versionId: object.versionId }, signal)),
      },
      output: {
        Location: locationOf(head),
        Bucket: bucket.name,
        Key: input.key,
        ETag: object.etag,
        ChecksumType: object.checksum?.type,
        ...checksumValues(object.checksum),
      },
    }
  },
})

/** Of what was completed little is at hand: it is looked up where its bucket has rules. */
async function expirationOf(
  call: Call & { bucket: Bucket },
  which: { key: ObjectKey; versionId: VersionId },
  signal: AbortSignal,
): Promise<ReplyHeaders> {
  const { engine, bucket } = call
  if (bucket.settings.lifecycle === undefined) return {}
  const { object } = await engine.findObject({ bucket: bucket.name, ...which }, signal)
  return object ? (await expirationTeller(call, signal))(object) : {}
}

/** The object's own URL, as the client addressed it. */
function locationOf({ isTls, host, rawTarget }: RequestHead): string {
  const [path = '/'] = rawTarget.split('?')
  return `${isTls ? 'https' : 'http'}://${host}${path}`
}
