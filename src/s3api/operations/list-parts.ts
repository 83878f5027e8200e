import { uploadAbort } from '../../base/lifecycle/due.ts'
import { limits } from '../../base/limits.ts'
import type { UploadedPart } from '../../base/model.ts'
import { checksumMembers, checksumValues } from '../checksums/algorithms.ts'
import { customerKey } from '../encryption/customer-key.ts'
import { encodingType, integerIn, objectKey, pageSize, queryOr } from '../fields.ts'
import { abortHeaders } from '../lifecycle/due-headers.ts'
import { encoder } from '../listings/url-encoding.ts'
import { noBody, operation, xml } from '../operation.ts'
import { owner, ownerOf } from '../shapes.ts'
import { uploadId } from '../uploads/upload-inputs.ts'
import { demandOfUpload, ownerOfUpload } from '../uploads/whose-upload.ts'
import { boolean, etag, integer, text, timestamp } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'

const part = structure({
  PartNumber: integer,
  LastModified: timestamp,
  ETag: etag,
  Size: integer,
  ...checksumMembers,
})

const result = structure({
  Bucket: text,
  Key: text,
  UploadId: text,
  Initiator: owner,
  Owner: owner,
  StorageClass: text,
  PartNumberMarker: integer,
  NextPartNumberMarker: optional(integer),
  MaxParts: integer,
  EncodingType: optional(text),
  IsTruncated: boolean,
  ChecksumAlgorithm: optional(text),
  ChecksumType: optional(text),
  Part: flatList(part),
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
export const listParts = operation({
  name: 'ListParts',
  route: { method: 'GET', on: 'object', query: ['uploadId'] },
  action: 's3:ListMultipartUploadParts',
  judgedBy: 'upload',
  lookUp: 'bucket',
  request: {
    key: objectKey,
    uploadId,
    partsMax: queryOr('max-parts', pageSize(limits.listKeysMax), limits.listKeysMax),
    after: queryOr('part-number-marker', marker, 0),
    customerKey,
    encoding: queryOr('encoding-type', encodingType, undefined),
  },
  payload: noBody,
  status: 200,
  body: xml('ListPartsResult', result),
  async handle(call, { key, uploadId, partsMax, after, encoding }, signal) {
    const { engine, bucket, settings } = call
    await demandOfUpload(call, 's3:ListMultipartUploadParts', { key, uploadId }, signal)
    const rules = await engine.lifecycleRules(bucket, signal)
    const { upload, page } = await engine.listParts({ bucket, key, uploadId, after, rowsMax: partsMax }, signal)
    const abort = { initiatedMs: upload.initiatedAt.getTime(), dayMs: settings.lifecycleDayMs }
    return {
      headers: abortHeaders(uploadAbort(rules, key, abort)),
      output: {
        Bucket: bucket.name,
        Key: encoder(encoding)(key),
        UploadId: uploadId,
        Initiator: await ownerOf(upload.initiatorId, call, signal),
        Owner: await ownerOf(ownerOfUpload(upload, bucket), call, signal),
        StorageClass: upload.attributes.storageClass,
        PartNumberMarker: after,
        NextPartNumberMarker: page.parts.at(-1)?.number ?? after,
        MaxParts: partsMax,
        EncodingType: encoding,
        IsTruncated: page.isTruncated,
        ChecksumAlgorithm: upload.checksumAlgorithm,
        ChecksumType: upload.checksumType,
        Part: page.parts.map(toPart),
      },
    }
  },
})

function marker(value: string, name: string): number {
  return value === '' ? 0 : integerIn(0, 0x7fff_ffff)(value, name)
}

function toPart({ number, modifiedAt, etag, sizeBytes, checksum }: UploadedPart): Infer<typeof part> {
  return {
    PartNumber: number,
    LastModified: modifiedAt,
    ETag: etag,
    Size: sizeBytes,
    ...checksumValues(checksum),
  }
}
