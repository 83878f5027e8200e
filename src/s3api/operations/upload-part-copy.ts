import { StoreFault } from '../../base/faults.ts'
import { checksumMembers, checksumValues } from '../checksums/algorithms.ts'
import { customerKey } from '../encryption/customer-key.ts'
import { encryptionHeaders } from '../encryption/encryption-headers.ts'
import { asText, headerOr, objectKey } from '../fields.ts'
import { parseCopyRange } from '../names/byte-range.ts'
import { copiedVersion, copySource, findCopySource } from '../objects/copy-source.ts'
import { judgeSourceConditions } from '../objects/read-conditions.ts'
import { noBody, operation, xml } from '../operation.ts'
import { bodyBytesMax } from '../settings.ts'
import { partNumber, uploadId } from '../uploads/upload-inputs.ts'
import { etag, timestamp } from '../xml/kinds.ts'
import { structure } from '../xml/shape.ts'

const result = structure({ ETag: etag, LastModified: timestamp, ...checksumMembers })

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html */
export const uploadPartCopy = operation({
  name: 'UploadPartCopy',
  route: { method: 'PUT', on: 'object', query: ['partNumber', 'uploadId'], header: 'x-amz-copy-source' },
  action: 's3:PutObject',
  lookUp: 'bucket',
  request: {
    key: objectKey,
    number: partNumber,
    uploadId,
    source: copySource,
    customerKey,
    range: headerOr('x-amz-copy-source-range', asText, undefined),
  },
  payload: noBody,
  status: 200,
  body: xml('CopyPartResult', result),
  mayTakeLong: true,
  async handle(call, input, signal) {
    const { engine, bucket, clock, settings } = call
    const { key, number, uploadId, customerKey } = input
    const source = await findCopySource(call, input.source, signal)
    judgeSourceConditions(input.source.conditions, source.object, clock)
    const dataKey = engine.unlock(source.object, input.source.customerKey?.key)
    const range = parseCopyRange(input.range, source.object.sizeBytes)
    const sizeBytes = range ? range.last - range.first + 1 : source.object.sizeBytes
    const sizeBytesMax = bodyBytesMax(settings)
    if (sizeBytes > sizeBytesMax) {
      throw new StoreFault('InvalidRequest', {
        reason: `The specified copy source is larger than the maximum allowable size for a copy source: ${sizeBytesMax}`,
      })
    }
    const copy = { bucket, key, number, uploadId, source: { ...source, dataKey }, range, customerKey: customerKey?.key }
    const part = await engine.uploadPartCopy(copy, signal)
    return {
      headers: { ...copiedVersion(source), ...encryptionHeaders(part.encryption, customerKey) },
      output: { ETag: part.etag, LastModified: part.modifiedAt, ...checksumValues(part.checksum) },
    }
  },
})
