import { accountOf } from '../authorise.ts'
import { objectKey } from '../fields.ts'
import { objectAttributes } from '../objects/attributes.ts'
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
  lookUp: 'bucket',
  request: { key: objectKey, attributes: objectAttributes, checksum: uploadChecksum },
  payload: noBody,
  status: 200,
  body: xml('InitiateMultipartUploadResult', result),
  async handle({ engine, bucket, identity }, { key, attributes, checksum }, signal) {
    const upload = {
      bucket,
      key,
      attributes,
      initiatorId: accountOf(identity).id,
      checksumAlgorithm: checksum.algorithm,
      checksumType: checksum.type,
    }
    const uploadId = await engine.createUpload(upload, signal)
    return {
      headers: { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type },
      output: { Bucket: bucket.name, Key: key, UploadId: uploadId },
    }
  },
})
