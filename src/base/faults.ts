/**
 * Every refusal that the store can give, by S3's code where S3 has one, with what its message needs.
 * Thrown once as a StoreFault, mapped to HTTP once (src/s3api). A bug is not a fault: it is an assertion.
 */
export interface FaultDetails {
  AccessControlListNotSupported: Record<never, never>
  /**
   * `headersNotSigned`: which x-amz-* headers came outside of the signature, joined by a comma and a space.
   * `policyViolation`: what in a form is not as its policy says. `isLocked`: an object lock holds what was to go.
   */
  AccessDenied: { reason?: string; headersNotSigned?: string; policyViolation?: string; isLocked?: true }
  AccessForbidden: { reason: string; method: string; resource: string }
  AccountProblem: { reason: string }
  AuthorizationHeaderMalformed: { reason: string; region?: string }
  /** 400; 403 with `isForbidden`: an expiry outside of 1 s to 7 days. */
  AuthorizationQueryParametersError: { reason: string; region?: string; isForbidden?: true }
  BadDigest: { reason: string }
  /** What is no HTTP that may be answered otherwise (a broken message, Host given twice); and too many tags. */
  BadRequest: { reason: string }
  BucketAlreadyExists: { bucket: string }
  BucketAlreadyOwnedByYou: { bucket: string }
  BucketNotEmpty: { bucket: string }
  EntityTooLarge: { sizeBytes: number; sizeBytesMax: number }
  EntityTooSmall: { sizeBytes: number; sizeBytesMin: number; partNumber?: number; etag?: string }
  ExpiredToken: Record<never, never>
  IdempotencyParameterMismatch: Record<never, never>
  IllegalLocationConstraintException: { location: string }
  IllegalVersioningConfigurationException: { reason: string }
  IncompleteBody: { sizeBytes: number; expectedBytes: number }
  InsufficientStorage: { reason: string }
  InternalError: { reason?: string }
  InvalidAccessKeyId: { accessKeyId: string }
  InvalidArgument: { name: string; value?: string; reason: string }
  InvalidBucketAclWithBlockPublicAccessError: Record<never, never>
  InvalidBucketAclWithObjectOwnership: Record<never, never>
  InvalidBucketName: { bucket: string }
  InvalidBucketState: { reason: string }
  InvalidDigest: { value: string }
  InvalidEncryptionAlgorithmError: { value: string }
  InvalidLocationConstraint: { location: string }
  InvalidPart: { partNumber?: number; etag?: string; uploadId?: string }
  InvalidPartNumber: { partNumber: number; parts: number }
  InvalidPartOrder: { uploadId?: string }
  InvalidPolicyDocument: { reason: string }
  InvalidRange: { range: string; sizeBytes: number }
  InvalidRequest: { reason: string }
  InvalidStorageClass: { storageClass: string }
  InvalidTag: { reason: string; key: string; value?: string }
  InvalidToken: Record<never, never>
  InvalidURI: { uri: string }
  'KMS.NotFoundException': { keyId: string }
  KeyTooLongError: { sizeBytes: number; sizeBytesMax: number }
  MalformedACLError: { reason?: string }
  MalformedPolicy: { reason: string }
  MalformedPOSTRequest: Record<never, never>
  MalformedTrailerError: { reason: string }
  MalformedXML: { reason?: string }
  MaxPostPreDataLengthExceeded: Record<never, never>
  MaxMessageLengthExceeded: { sizeBytesMax: number }
  MetadataConfigurationNotFound: { bucket: string }
  MetadataTooLarge: { sizeBytes: number; sizeBytesMax: number }
  /** `marker`: what was asked for by its id is a delete marker. */
  MethodNotAllowed: { method: string; resource: string; marker?: MarkerDetail }
  MissingContentLength: Record<never, never>
  MissingRequestBodyError: Record<never, never>
  MissingSecurityHeader: { header: string }
  NoSuchBucket: { bucket: string }
  NoSuchBucketPolicy: { bucket: string }
  NoSuchConfiguration: { bucket: string }
  NoSuchLifecycleConfiguration: { bucket: string }
  /** `marker`: it was deleted. */
  NoSuchKey: { key: string; marker?: MarkerDetail }
  NoSuchCORSConfiguration: { bucket: string }
  NoSuchPublicAccessBlockConfiguration: { bucket: string }
  NoSuchTagSet: { bucket: string }
  NoSuchObjectLockConfiguration: { key: string }
  NoSuchUpload: { uploadId: string }
  NoSuchVersion: { key: string; versionId: string }
  NoSuchWebsiteConfiguration: { bucket: string }
  NotImplemented: { feature: string }
  NotModified: { etag: string }
  ObjectLockConfigurationNotFoundError: { bucket: string }
  OwnershipControlsNotFoundError: { bucket: string }
  PreconditionFailed: { condition: string }
  ReplicationConfigurationNotFoundError: { bucket: string }
  RequestHeaderSectionTooLarge: { sizeBytesMax: number }
  RequestTimeout: Record<never, never>
  RequestTimeTooSkewed: { requestTime: string; serverTime: string }
  /** `outcomeUnknown`: a write may have been committed all the same; nothing that it refers to may be deleted. */
  ServiceUnavailable: { reason: string; outcomeUnknown?: boolean }
  ServerSideEncryptionConfigurationNotFoundError: { bucket: string }
  SignatureDoesNotMatch: { accessKeyId: string; canonicalRequest?: string; stringToSign?: string; signature?: string }
  /** `retryAfterSeconds`: somebody asks for more than is allowed, and not: there is too much to do. */
  SlowDown: { reason: string; retryAfterSeconds?: number }
  TooManyBuckets: Record<never, never>
  UnresolvableGrantByEmailAddress: { email: string }
  XAmzContentSHA256Mismatch: { client: string; computed: string }
  /** More chunks of a part are lost than its parity can rebuild. */
  DataUnavailable: { partId: string; reason: string }
}

/** A delete marker. */
export interface MarkerDetail {
  versionId: string
  committedAt: Date
}

export type FaultCode = keyof FaultDetails

export class StoreFault<C extends FaultCode = FaultCode> extends Error {
  readonly code: C
  readonly detail: FaultDetails[C]
  constructor(code: C, detail: FaultDetails[C], options?: { cause?: unknown }) {
    super(`${code} ${JSON.stringify(detail)}`, options)
    this.name = 'StoreFault'
    this.code = code
    this.detail = detail
  }
}

export function isFault<C extends FaultCode>(error: unknown, code: C): error is StoreFault<C> {
  return error instanceof StoreFault && error.code === code
}

/** A broken assumption of our own: never the client's doing. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

/** Why a chunk call failed. The engine turns it into a rebuild, another server, or a StoreFault. */
export type ChunkFailure = 'unreachable' | 'not-found' | 'corrupt' | 'no-space' | 'failed' | 'invalid' | 'aborted'

export class ChunkError extends Error {
  readonly failure: ChunkFailure
  constructor(failure: ChunkFailure, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'ChunkError'
    this.failure = failure
  }
}
