import type { FaultCode, FaultDetails } from '../base/faults.ts'
import { limits } from '../base/limits.ts'

export interface ErrorRow<C extends FaultCode> {
  status: number | ((detail: FaultDetails[C]) => number)
  message: string | ((detail: FaultDetails[C]) => string)
  /** S3's code where the store's own name is another. */
  code?: string
  /** Elements of the error's XML beside Code, Message, Resource and the ids. */
  elements?: (detail: FaultDetails[C]) => Readonly<Record<string, string | number | undefined>>
}

/** Every refusal by name, as S3 words it: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export const errorTable = {
  AccessControlListNotSupported: { status: 400, message: 'The bucket does not allow ACLs' },
  AccessDenied: {
    status: 403,
    message(d) {
      if (d.isLocked) return 'Access Denied because object protected by object lock.'
      if (d.policyViolation !== undefined) return `Invalid according to Policy: ${d.policyViolation}`
      if (d.headersNotSigned === undefined) return 'Access Denied'
      return 'There were headers present in the request which were not signed'
    },
    elements: (d) => ({ HeadersNotSigned: d.headersNotSigned }),
  },
  AccessForbidden: {
    status: 403,
    message: (d) => d.reason,
    elements: (d) => ({ Method: d.method, ResourceType: d.resource }),
  },
  AccountProblem: { status: 403, message: (d) => d.reason },
  AuthorizationHeaderMalformed: {
    status: 400,
    message: (d) => d.reason,
    elements: (d) => ({ Region: d.region }),
  },
  AuthorizationQueryParametersError: {
    status: (d) => (d.isForbidden ? 403 : 400),
    message: (d) => d.reason,
    elements: (d) => ({ Region: d.region }),
  },
  BadDigest: { status: 400, message: (d) => d.reason },
  BadRequest: { status: 400, message: (d) => d.reason },
  BucketAlreadyExists: {
    status: 409,
    message:
      'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  BucketAlreadyOwnedByYou: {
    status: 409,
    message: 'Your previous request to create the named bucket succeeded and you already own it.',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  BucketNotEmpty: {
    status: 409,
    message: 'The bucket you tried to delete is not empty',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  DataUnavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    message: 'Too many of the storage servers that hold this object are unavailable. Please try again.',
  },
  EntityTooLarge: {
    status: 400,
    message: 'Your proposed upload exceeds the maximum allowed size',
    elements: (d) => ({ ProposedSize: d.sizeBytes, MaxSizeAllowed: d.sizeBytesMax }),
  },
  EntityTooSmall: {
    status: 400,
    message: 'Your proposed upload is smaller than the minimum allowed size',
    elements: (d) => ({
      ProposedSize: d.sizeBytes,
      MinSizeAllowed: d.sizeBytesMin,
      PartNumber: d.partNumber,
      ETag: d.etag,
    }),
  },
  ExpiredToken: { status: 400, message: 'The provided token has expired.' },
  IdempotencyParameterMismatch: {
    status: 400,
    message: 'Parameters on this idempotent request are inconsistent with parameters used in previous request(s).',
  },
  IllegalLocationConstraintException: {
    status: 400,
    message: (d) =>
      `The ${d.location} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  },
  IllegalVersioningConfigurationException: { status: 400, message: (d) => d.reason },
  IncompleteBody: {
    status: 400,
    message: 'The request body terminated unexpectedly',
    elements: (d) => ({ NumberBytesExpected: d.expectedBytes, NumberBytesProvided: d.sizeBytes }),
  },
  InsufficientStorage: { status: 507, message: 'There is not enough space on the storage servers.' },
  InternalError: { status: 500, message: 'We encountered an internal error. Please try again.' },
  InvalidAccessKeyId: {
    status: 403,
    message: 'The AWS Access Key Id you provided does not exist in our records.',
    elements: (d) => ({ AWSAccessKeyId: d.accessKeyId }),
  },
  InvalidArgument: {
    status: 400,
    message: (d) => d.reason,
    elements: (d) => ({ ArgumentName: d.name, ArgumentValue: d.value }),
  },
  InvalidBucketAclWithBlockPublicAccessError: {
    status: 400,
    message: 'Bucket cannot have public ACLs set with BlockPublicAccess enabled',
  },
  InvalidBucketAclWithObjectOwnership: {
    status: 400,
    message: "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  },
  InvalidBucketName: {
    status: 400,
    message: 'The specified bucket is not valid.',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  InvalidBucketState: { status: 409, message: (d) => d.reason },
  InvalidDigest: {
    status: 400,
    message: 'The Content-MD5 you specified was invalid.',
    elements: (d) => ({ 'Content-MD5': d.value }),
  },
  InvalidEncryptionAlgorithmError: {
    status: 400,
    message: 'The Encryption request you specified is not valid. Supported value: AES256.',
    elements: (d) => ({ ArgumentName: 'x-amz-server-side-encryption-customer-algorithm', ArgumentValue: d.value }),
  },
  InvalidLocationConstraint: {
    status: 400,
    message: 'The specified location-constraint is not valid',
    elements: (d) => ({ LocationConstraint: d.location }),
  },
  InvalidPart: {
    status: 400,
    message:
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    elements: (d) => ({ UploadId: d.uploadId, PartNumber: d.partNumber, ETag: d.etag }),
  },
  InvalidPartNumber: {
    status: 416,
    message: 'The requested partnumber is not satisfiable',
    elements: (d) => ({ PartNumberRequested: d.partNumber, ActualPartCount: d.parts }),
  },
  InvalidPartOrder: {
    status: 400,
    message: 'The list of parts was not in ascending order. Parts must be ordered by part number.',
    elements: (d) => ({ UploadId: d.uploadId }),
  },
  InvalidPolicyDocument: { status: 400, message: (d) => `Invalid Policy: ${d.reason}` },
  InvalidRange: {
    status: 416,
    message: 'The requested range is not satisfiable',
    elements: (d) => ({ RangeRequested: d.range, ActualObjectSize: d.sizeBytes }),
  },
  InvalidRequest: { status: 400, message: (d) => d.reason },
  InvalidStorageClass: {
    status: 400,
    message: 'The storage class you specified is not valid',
    elements: (d) => ({ StorageClassRequested: d.storageClass }),
  },
  InvalidTag: {
    status: 400,
    message: (d) => d.reason,
    elements: (d) => ({ TagKey: d.key, TagValue: d.value }),
  },
  InvalidToken: { status: 400, message: 'The provided token is malformed or otherwise invalid.' },
  InvalidURI: { status: 400, message: "Couldn't parse the specified URI.", elements: (d) => ({ URI: d.uri }) },
  'KMS.NotFoundException': { status: 400, message: (d) => `Invalid keyId '${d.keyId}'` },
  KeyTooLongError: {
    status: 400,
    message: 'Your key is too long',
    elements: (d) => ({ Size: d.sizeBytes, MaxSizeAllowed: d.sizeBytesMax }),
  },
  MalformedACLError: {
    status: 400,
    message: 'The XML you provided was not well-formed or did not validate against our published schema',
  },
  MalformedPolicy: { status: 400, message: (d) => d.reason },
  MalformedPOSTRequest: {
    status: 400,
    message: 'The body of your POST request is not well-formed multipart/form-data.',
  },
  MalformedTrailerError: { status: 400, message: (d) => d.reason },
  MalformedXML: {
    status: 400,
    message: 'The XML you provided was not well-formed or did not validate against our published schema',
  },
  MaxMessageLengthExceeded: {
    status: 400,
    message: 'Your request was too big.',
    elements: (d) => ({ MaxMessageLengthBytes: d.sizeBytesMax }),
  },
  MetadataConfigurationNotFound: {
    status: 404,
    message: 'The metadata configuration was not found',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  MaxPostPreDataLengthExceeded: {
    status: 400,
    code: 'MaxPostPreDataLengthExceededError',
    message: 'Your POST request fields preceding the upload file were too large.',
  },
  MetadataTooLarge: {
    status: 400,
    message: 'Your metadata headers exceed the maximum allowed metadata size',
    elements: (d) => ({ Size: d.sizeBytes, MaxSizeAllowed: d.sizeBytesMax }),
  },
  MethodNotAllowed: {
    status: 405,
    message: 'The specified method is not allowed against this resource.',
    elements: (d) => ({ Method: d.method, ResourceType: d.resource }),
  },
  MissingContentLength: { status: 411, message: 'You must provide the Content-Length HTTP header.' },
  MissingRequestBodyError: { status: 400, message: 'Request Body is empty' },
  MissingSecurityHeader: {
    status: 400,
    message: 'Your request was missing a required header',
    elements: (d) => ({ MissingHeaderName: d.header }),
  },
  NoSuchBucket: {
    status: 404,
    message: 'The specified bucket does not exist',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NoSuchBucketPolicy: {
    status: 404,
    message: 'The bucket policy does not exist',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NoSuchConfiguration: {
    status: 404,
    message: 'The specified configuration does not exist.',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NoSuchCORSConfiguration: {
    status: 404,
    message: 'The CORS configuration does not exist',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NoSuchKey: { status: 404, message: 'The specified key does not exist.', elements: (d) => ({ Key: d.key }) },
  NoSuchLifecycleConfiguration: {
    status: 404,
    message: 'The lifecycle configuration does not exist',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NoSuchPublicAccessBlockConfiguration: {
    status: 404,
    message: 'The public access block configuration was not found',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NoSuchTagSet: {
    status: 404,
    message: 'The TagSet does not exist',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NoSuchObjectLockConfiguration: {
    status: 404,
    message: 'The specified object does not have a ObjectLock configuration',
    elements: (d) => ({ Key: d.key }),
  },
  NoSuchUpload: {
    status: 404,
    message:
      'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    elements: (d) => ({ UploadId: d.uploadId }),
  },
  NoSuchVersion: {
    status: 404,
    message: 'The specified version does not exist.',
    elements: (d) => ({ Key: d.key, VersionId: d.versionId }),
  },
  NoSuchWebsiteConfiguration: {
    status: 404,
    message: 'The specified bucket does not have a website configuration',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  NotImplemented: {
    status: 501,
    message: (d) => `${d.feature} is not implemented`,
  },
  NotModified: { status: 304, message: 'Not Modified' },
  ObjectLockConfigurationNotFoundError: {
    status: 404,
    message: 'Object Lock configuration does not exist for this bucket',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  OwnershipControlsNotFoundError: {
    status: 404,
    message: 'The bucket ownership controls were not found',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  PreconditionFailed: {
    status: 412,
    message: 'At least one of the pre-conditions you specified did not hold',
    elements: (d) => ({ Condition: d.condition }),
  },
  ReplicationConfigurationNotFoundError: {
    status: 404,
    message: 'The replication configuration was not found',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  RequestHeaderSectionTooLarge: {
    status: 400,
    message: 'Your request headers exceed the maximum allowed size.',
    elements: (d) => ({ MaxSizeAllowed: d.sizeBytesMax }),
  },
  RequestTimeout: {
    status: 400,
    message:
      'Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.',
  },
  RequestTimeTooSkewed: {
    status: 403,
    message: 'The difference between the request time and the current time is too large.',
    elements: (d) => ({
      RequestTime: d.requestTime,
      ServerTime: d.serverTime,
      MaxAllowedSkewMilliseconds: limits.clockSkewMsMax,
    }),
  },
  ServerSideEncryptionConfigurationNotFoundError: {
    status: 404,
    message: 'The server side encryption configuration was not found',
    elements: (d) => ({ BucketName: d.bucket }),
  },
  ServiceUnavailable: { status: 503, message: 'Service is unable to handle request.' },
  SignatureDoesNotMatch: {
    status: 403,
    message:
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    elements: (d) => ({
      AWSAccessKeyId: d.accessKeyId,
      StringToSign: d.stringToSign,
      SignatureProvided: d.signature,
      CanonicalRequest: d.canonicalRequest,
    }),
  },
  SlowDown: { status: 503, message: 'Please reduce your request rate.' },
  TooManyBuckets: { status: 400, message: 'You have attempted to create more buckets than allowed' },
  UnresolvableGrantByEmailAddress: {
    status: 400,
    message: 'The e-mail address you provided does not match any account on record.',
    elements: (d) => ({ EmailAddress: d.email }),
  },
  XAmzContentSHA256Mismatch: {
    status: 400,
    message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
    elements: (d) => ({ ClientComputedContentSHA256: d.client, S3ComputedContentSHA256: d.computed }),
  },
} satisfies { readonly [C in FaultCode]: ErrorRow<C> }
