import { objectKey } from '../fields.ts'
import { noBody, operation } from '../operation.ts'
import { uploadId } from '../uploads/upload-inputs.ts'
import { demandOfUpload } from '../uploads/whose-upload.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
export const abortMultipartUpload = operation({
  name: 'AbortMultipartUpload',
  route: { method: 'DELETE', on: 'object', query: ['uploadId'] },
  action: 's3:AbortMultipartUpload',
  judgedBy: 'upload',
  lookUp: 'bucket',
  request: { key: objectKey, uploadId },
  payload: noBody,
  status: 204,
  async handle(call, input, signal) {
    const { engine, bucket } = call
    await demandOfUpload(call, 's3:AbortMultipartUpload', input, signal)
    await engine.abortUpload({ bucket, ...input }, signal)
    return {}
  },
})
