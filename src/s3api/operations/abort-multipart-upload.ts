import { objectKey } from '../fields.ts'
import { noBody, operation } from '../operation.ts'
import { uploadId } from '../uploads/upload-inputs.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export const abortMultipartUpload = operation({
  name: 'AbortMultipartUpload',
  route: { method: 'DELETE', on: 'object', query: ['uploadId'] },
  action: 's3:AbortMultipartUpload',
  lookUp: 'bucket',
  request: { key: objectKey, uploadId },
  payload: noBody,
  status: 204,
  async handle({ engine, bucket }, input, signal) {
    await engine.abortUpload({ bucket, ...input }, signal)
    return {}
  },
})
