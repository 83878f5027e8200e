import { limits } from '../../base/limits.ts'
import type { Upload } from '../../base/model.ts'
import { asText, encodingType, pageSize, queryOr } from '../fields.ts'
import { encoder } from '../listings/url-encoding.ts'
import { noBody, operation, xml } from '../operation.ts'
import { owner, ownerOf } from '../shapes.ts'
import { uploadIdMarker } from '../uploads/upload-inputs.ts'
import { ownerOfUpload } from '../uploads/whose-upload.ts'
import { boolean, integer, text, timestamp } from '../xml/kinds.ts'
import { flatList, optional, structure } from '../xml/shape.ts'

const upload = structure({
  Key: text,
  UploadId: text,
  Initiator: owner,
  Owner: owner,
  StorageClass: text,
  Initiated: timestamp,
  ChecksumAlgorithm: optional(text),
  ChecksumType: optional(text),
})

const result = structure({
  Bucket: text,
  KeyMarker: text,
  UploadIdMarker: text,
  NextKeyMarker: optional(text),
  NextUploadIdMarker: optional(text),
  Prefix: text,
  Delimiter: optional(text),
  MaxUploads: integer,
  EncodingType: optional(text),
  IsTruncated: boolean,
  Upload: flatList(upload),
  CommonPrefixes: flatList(structure({ Prefix: text })),
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
export const listMultipartUploads = operation({
  name: 'ListMultipartUploads',
  route: { method: 'GET', on: 'bucket', query: ['uploads'] },
  action: 's3:ListBucketMultipartUploads',
  lookUp: 'bucket',
  request: {
    prefix: queryOr('prefix', asText, ''),
    delimiter: queryOr('delimiter', asText, ''),
    keyMarker: queryOr('key-marker', asText, ''),
    uploadIdMarker,
    uploadsMax: queryOr('max-uploads', pageSize(limits.listKeysMax), limits.listKeysMax),
    encoding: queryOr('encoding-type', encodingType, undefined),
  },
  payload: noBody,
  status: 200,
  body: xml('ListMultipartUploadsResult', result),
  async handle(call, input, signal) {
    const { engine, bucket } = call
    const { prefix, delimiter, keyMarker, uploadsMax } = input
    // It counts only together with a key.
    const afterUploadId = keyMarker === '' ? '' : input.uploadIdMarker
    const query = { bucket, prefix, delimiter, afterKey: keyMarker, afterUploadId, rowsMax: uploadsMax }
    const page = await engine.listUploads(query, signal)
    const encode = encoder(input.encoding)
    const toUpload = async (each: Upload) => ({
      Key: encode(each.key),
      UploadId: each.uploadId as string,
      Initiator: await ownerOf(each.initiatorId, call, signal),
      Owner: await ownerOf(ownerOfUpload(each, bucket), call, signal),
      StorageClass: each.attributes.storageClass,
      Initiated: each.initiatedAt,
      ChecksumAlgorithm: each.checksumAlgorithm,
      ChecksumType: each.checksumType,
    })
    return {
      output: {
        Bucket: bucket.name,
        KeyMarker: encode(keyMarker),
        UploadIdMarker: afterUploadId,
        NextKeyMarker: page.isTruncated ? encode(page.nextKey ?? '') : undefined,
        NextUploadIdMarker: page.isTruncated ? (page.nextUploadId ?? '') : undefined,
        Prefix: encode(prefix),
        Delimiter: delimiter === '' ? undefined : encode(delimiter),
        MaxUploads: uploadsMax,
        EncodingType: input.encoding,
        IsTruncated: page.isTruncated,
        Upload: await Promise.all(page.uploads.map(toUpload)),
        CommonPrefixes: page.commonPrefixes.map((each) => ({ Prefix: encode(each) })),
      },
    }
  },
})
