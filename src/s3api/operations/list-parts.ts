import { limits } from '../../base/limits.ts'
import type { UploadedPart } from '../../base/model.ts'
import { checksumMembers, checksumValues } from '../checksums/algorithms.ts'
import { encodingType, integerIn, objectKey, pageSize, queryOr } from '../fields.ts'
import { encoder } from '../listings/url-encoding.ts'
import { noBody, operation, xml } from '../operation.ts'
import { owner, ownerOf } from '../shapes.ts'
import { uploadId } from '../uploads/upload-inputs.ts'
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
  lookUp: 'bucket',
  request: {
    key: objectKey,
    uploadId,
    partsMax: queryOr('max-parts', pageSize(limits.listKeysMax), limits.listKeysMax),
    after: queryOr('part-number-marker', marker, 0),
    encoding: queryOr('encoding-type', encodingType, undefined),
  },
  payload: noBody,
  status: 200,
  body: xml('ListPartsResult', result),
  async handle(call, { key, uploadId, partsMax, after, encoding }, signal) {
    const { engine, bucket } = call
    const { upload, page } = await engine.listParts({ bucket, key, uploadId, after, rowsMax: partsMax }, signal)
    return {
      output: {
        Bucket: bucket.name,
        Key: encoder(encoding)(key),
        UploadId: uploadId,
        Initiator: await ownerOf(upload.initiatorId, call, signal),
        Owner: await ownerOf(bucket.ownerId, call, signal),
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
