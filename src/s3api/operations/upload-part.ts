import { checksumHeader } from '../checksums/algorithms.ts'
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
  request: { key: objectKey, number: partNumber, uploadId },
  payload: bytes(bodyBytesMax),
  status: 200,
  async handle({ engine, bucket, body }, input, signal) {
    const part = await engine.uploadPart({ bucket, ...input, claims: body.claims }, body.stream, signal)
    const { etag, checksum } = part
    return { headers: { ETag: `"${etag}"`, ...(checksum && { [checksumHeader(checksum.algorithm)]: checksum.value }) } }
  },
})
