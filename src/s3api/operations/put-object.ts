import { checksumHeaders } from '../checksums/algorithms.ts'
import { objectKey } from '../fields.ts'
import { objectAttributes } from '../objects/attributes.ts'
import { writeCondition } from '../objects/write-condition.ts'
import { bytes, operation } from '../operation.ts'
import { bodyBytesMax } from '../settings.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
export const putObject = operation({
  name: 'PutObject',
  route: { method: 'PUT', on: 'object' },
  action: 's3:PutObject',
  lookUp: 'bucket',
  request: { key: objectKey, attributes: objectAttributes, condition: writeCondition },
  payload: bytes(bodyBytesMax),
  status: 200,
  async handle({ engine, bucket, body }, input, signal) {
    const written = await engine.putObject({ bucket, ...input, claims: body.claims }, body.stream, signal)
    return { headers: { ETag: `"${written.etag}"`, ...checksumHeaders(written.checksum) } }
  },
})
