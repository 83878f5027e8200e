import type { Operation } from '../../src/s3api/operation.ts'
import { unexecuted } from '../../src/s3api/operations/unexecuted.ts'
import type { Header } from '../fuzz/request.ts'
import { BLOCK, CORS, ENABLED, ENCRYPTION, NAMES, OWNERSHIP, PARTS, RULES, TAGS } from './authorisation-documents.ts'
import { copyRows } from './copy-rows.ts'
import { lockRows } from './lock-rows.ts'
import { notificationRows } from './notification-rows.ts'

/** How an operation is asked for, and what comes of it where it is allowed. */
export interface Row {
  method: string
  path: string
  headers?: readonly Header[]
  body?: string
  /** The answer to whoever may. */
  status: number
  /** Everybody with an account may, on what is their own; no bucket's policy is asked. */
  isForAll?: true
  /** Where leave was given to another account. */
  foreignStatus?: number
  /** No policy of the bucket denies it to the owner's account. */
  isNeverLocked?: true
  /** Whoever has no account may not, whatever the bucket's policy says. */
  needsAccount?: true
}

/** Whatever comes but a 403. */
export const ANSWERED = 0
export const KEPT = [{ Effect: 'Deny', Principal: '*', Action: 's3:RestoreObject' }]
const POLICY = policyOf('kept-BUCKET', KEPT)
const ETAG: Header = ['x-amz-object-attributes', 'ETag']
const PRIVATE: Header = ['x-amz-acl', 'private']
/** What a bucket's owner's account alone has to do with. */
const own = { foreignStatus: 405, isNeverLocked: true } as const

/**
 * BUCKET, UPLOAD and ETAG stand for the owner's bucket, an open upload of `upload` in it, and its one part's ETag;
 * `kept-BUCKET` has a policy under whatever rules, `acl-BUCKET` takes ACLs.
 */
export const rows: Readonly<Record<string, Row>> = {
  AbortMultipartUpload: { method: 'DELETE', path: '/BUCKET/upload?uploadId=UPLOAD', status: 204 },
  CompleteMultipartUpload: { method: 'POST', path: '/BUCKET/upload?uploadId=UPLOAD', body: PARTS, status: 200 },
  CreateBucket: { method: 'PUT', path: '/new-BUCKET', status: 200, isForAll: true },
  CreateMultipartUpload: { method: 'POST', path: '/BUCKET/new?uploads', status: 200, needsAccount: true },
  DeleteBucket: { method: 'DELETE', path: '/empty-BUCKET', status: 204 },
  DeleteBucketEncryption: { method: 'DELETE', path: '/BUCKET?encryption', status: 204 },
  DeleteBucketCors: { method: 'DELETE', path: '/BUCKET?cors', status: 204 },
  DeleteBucketLifecycle: { method: 'DELETE', path: '/BUCKET?lifecycle', status: 204 },
  DeleteBucketOwnershipControls: { method: 'DELETE', path: '/BUCKET?ownershipControls', status: 204 },
  DeleteBucketPolicy: { method: 'DELETE', path: '/kept-BUCKET?policy', status: 204, ...own },
  DeleteBucketTagging: { method: 'DELETE', path: '/BUCKET?tagging', status: 204 },
  DeleteObject: { method: 'DELETE', path: '/BUCKET/key', status: 204 },
  DeleteObjectTagging: { method: 'DELETE', path: '/BUCKET/key?tagging', status: 204 },
  DeleteObjects: { method: 'POST', path: '/BUCKET?delete', body: NAMES, status: 200 },
  // There is none.
  GetBucketEncryption: { method: 'GET', path: '/BUCKET?encryption', status: 404 },
  DeletePublicAccessBlock: { method: 'DELETE', path: '/BUCKET?publicAccessBlock', status: 204 },
  GetBucketAcl: { method: 'GET', path: '/BUCKET?acl', status: 200 },
  GetBucketCors: { method: 'GET', path: '/BUCKET?cors', status: 404 },
  GetBucketLifecycleConfiguration: { method: 'GET', path: '/BUCKET?lifecycle', status: 404 },
  GetBucketLocation: { method: 'GET', path: '/BUCKET?location', status: 200 },
  GetBucketOwnershipControls: { method: 'GET', path: '/BUCKET?ownershipControls', status: 200 },
  GetBucketPolicy: { method: 'GET', path: '/kept-BUCKET?policy', status: 200, ...own },
  GetBucketPolicyStatus: { method: 'GET', path: '/kept-BUCKET?policyStatus', status: 200 },
  GetBucketTagging: { method: 'GET', path: '/BUCKET?tagging', status: 404 },
  GetBucketVersioning: { method: 'GET', path: '/BUCKET?versioning', status: 200 },
  GetObject: { method: 'GET', path: '/BUCKET/key', status: 200 },
  GetObjectAcl: { method: 'GET', path: '/BUCKET/key?acl', status: 200 },
  GetObjectAttributes: { method: 'GET', path: '/BUCKET/key?attributes', headers: [ETAG], status: 200 },
  GetObjectTagging: { method: 'GET', path: '/BUCKET/key?tagging', status: 200 },
  GetPublicAccessBlock: { method: 'GET', path: '/BUCKET?publicAccessBlock', status: 200 },
  HeadBucket: { method: 'HEAD', path: '/BUCKET', status: 200 },
  HeadObject: { method: 'HEAD', path: '/BUCKET/key', status: 200 },
  ListBuckets: { method: 'GET', path: '/', status: 200, isForAll: true },
  ListMultipartUploads: { method: 'GET', path: '/BUCKET?uploads', status: 200 },
  ListObjectVersions: { method: 'GET', path: '/BUCKET?versions', status: 200 },
  ListObjects: { method: 'GET', path: '/BUCKET', status: 200 },
  ListObjectsV2: { method: 'GET', path: '/BUCKET?list-type=2', status: 200 },
  ListParts: { method: 'GET', path: '/BUCKET/upload?uploadId=UPLOAD', status: 200 },
  PutBucketEncryption: { method: 'PUT', path: '/BUCKET?encryption', body: ENCRYPTION, status: 200 },
  PutBucketAcl: { method: 'PUT', path: '/acl-BUCKET?acl', headers: [PRIVATE], status: 200 },
  PutBucketCors: { method: 'PUT', path: '/BUCKET?cors', body: CORS, status: 200 },
  PutBucketLifecycleConfiguration: { method: 'PUT', path: '/BUCKET?lifecycle', body: RULES, status: 200 },
  PutBucketOwnershipControls: { method: 'PUT', path: '/BUCKET?ownershipControls', body: OWNERSHIP, status: 200 },
  PutBucketPolicy: { method: 'PUT', path: '/kept-BUCKET?policy', body: POLICY, status: 204, ...own },
  PutBucketTagging: { method: 'PUT', path: '/BUCKET?tagging', body: TAGS, status: 204 },
  PutBucketVersioning: { method: 'PUT', path: '/BUCKET?versioning', body: ENABLED, status: 200 },
  PutObject: { method: 'PUT', path: '/BUCKET/new', body: 'x', status: 200 },
  PutObjectAcl: { method: 'PUT', path: '/acl-BUCKET/key?acl', headers: [PRIVATE], status: 200 },
  PutObjectTagging: { method: 'PUT', path: '/BUCKET/key?tagging', body: TAGS, status: 200 },
  PutPublicAccessBlock: { method: 'PUT', path: '/BUCKET?publicAccessBlock', body: BLOCK, status: 200 },
  UploadPart: { method: 'PUT', path: '/BUCKET/upload?partNumber=2&uploadId=UPLOAD', body: 'x', status: 200 },
  ...copyRows,
  ...lockRows,
  ...notificationRows,
  ...Object.fromEntries(unexecuted.map(rowOfUnexecuted)),
}

/** What is asked for but not carried out: refused to others like anything else. */
function rowOfUnexecuted({ name, route }: Operation): [string, Row] {
  const query = (route.query ?? []).map((each) => (each === 'id' ? 'id=a' : each)).join('&')
  return [name, { method: route.method, path: `/BUCKET?${query}`, status: ANSWERED }]
}

export function policyOf(bucket: string, statements: readonly object[]): string {
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`]
  return JSON.stringify({ Statement: statements.map((one) => ({ ...one, Resource })) })
}
