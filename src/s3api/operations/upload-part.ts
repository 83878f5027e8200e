import { checksumHeader } from '../checksums/algorithms.ts'
import { customerKey } from '../encryption/customer-key.ts'
import { encryptionHeaders } from '../encryption/encryption-headers.ts'
import { objectKey } from '../fields.ts'
import { bytes, operation } from '../operation.ts'
import { bodyBytesMax } from '../settings.ts'
import { partNumber, uploadId } from '../uploads/upload-inputs.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
export const uploadPart = operation({
  name: 'UploadPart',
  route: { method: 'PUT', on: 'object', query: ['partNumber', 'uploadId'] },
  action: 's3:PutObject',
  lookUp: 'bucket',
  request: { key: objectKey, number: partNumber, uploadId, customerKey },
  payload: bytes(bodyBytesMax),
  status: 200,
  async handle({ engine, bucket, body }, { customerKey, ...input }, signal) {
    const part = { bucket, ...input, claims: body.claims, customerKey: customerKey?.key }
    const { etag, checksum, encryption } = await engine.uploadPart(part, body.stream, signal)
    return {
      headers: {
        ETag: `"${etag}"`,
        ...(checksum && { [checksumHeader(checksum.algorithm)]: checksum.value }),
        ...encryptionHeaders(encryption, customerKey),
      },
    }
  },
})
