import type { Operation } from '../operation.ts'
import { deleteBucket, getBucketVersioning, putBucketVersioning } from './buckets.ts'
import { completeMultipartUpload } from './complete.ts'
import { copyObject } from './copy.ts'
import { deleteObject, deleteObjects } from './delete.ts'
import { listMultipartUploads, listObjects, listObjectsV2, listObjectVersions, listParts } from './listings.ts'
import { putObject } from './put.ts'
import { getObject, getObjectAttributes, headObject } from './read.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './tagging.ts'
import { abortMultipartUpload, createMultipartUpload, uploadPart, uploadPartCopy } from './uploads.ts'

export const operations = {
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  GetObjectAttributes: getObjectAttributes,
  DeleteObject: deleteObject,
  DeleteObjects: deleteObjects,
  CopyObject: copyObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  ListParts: listParts,
  ListMultipartUploads: listMultipartUploads,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  PutBucketVersioning: putBucketVersioning,
  GetBucketVersioning: getBucketVersioning,
  PutObjectTagging: putObjectTagging,
  GetObjectTagging: getObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
  DeleteBucket: deleteBucket,
} satisfies Record<string, Operation<unknown>>

export type OperationName = keyof typeof operations

/** How often each is chosen, of all that are. */
export const weights: readonly (readonly [weight: number, name: OperationName])[] = [
  [20, 'PutObject'],
  [8, 'GetObject'],
  [5, 'HeadObject'],
  [2, 'GetObjectAttributes'],
  [9, 'DeleteObject'],
  [4, 'DeleteObjects'],
  [9, 'CopyObject'],
  [6, 'CreateMultipartUpload'],
  [9, 'UploadPart'],
  [5, 'UploadPartCopy'],
  [2, 'ListParts'],
  [2, 'ListMultipartUploads'],
  [9, 'CompleteMultipartUpload'],
  [2, 'AbortMultipartUpload'],
  [2, 'ListObjects'],
  [3, 'ListObjectsV2'],
  [3, 'ListObjectVersions'],
  [4, 'PutBucketVersioning'],
  [1, 'GetBucketVersioning'],
  [3, 'PutObjectTagging'],
  [2, 'GetObjectTagging'],
  [1, 'DeleteObjectTagging'],
]
