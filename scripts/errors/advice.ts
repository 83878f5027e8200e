import type { FaultCode } from '../../src/base/faults.ts'

/** When a refusal is given, and what helps against it: for docs/errors.md. */
export interface Advice {
  when: string
  help: string
}

const THE_CLIENT = 'Mend the request.'
const NOTHING_SET = 'Nothing is wrong: nobody has set one.'
const NEVER_SET = 'Nothing is wrong: this store carries none out, and so has none.'

export const advice: { readonly [C in FaultCode]: Advice } = {
  AccessControlListNotSupported: {
    when: 'An ACL is to be set in a bucket whose ownership is BucketOwnerEnforced, the default.',
    help: 'Leave the ACL away and use a policy, or let the bucket have another ownership ([access.md](access.md)).',
  },
  AccessDenied: {
    when: 'Nothing allows it, or something forbids it: policies, ACLs, public access block, the policy of the key, its addresses, an object lock, a presigned URL or a form that has expired or whose policy says otherwise; or headers `x-amz-…` were not signed.',
    help: '[access.md](access.md) tells in which order what is judged. The audit log ([security.md](security.md)) has who asked.',
  },
  AccessForbidden: {
    when: 'A page of another origin asks, and no CORS rule of the bucket lets it.',
    help: 'PutBucketCors on the bucket.',
  },
  AccountProblem: { when: 'Nowhere yet: no account of this store can have one.', help: '—' },
  AuthorizationHeaderMalformed: {
    when: 'The Authorization header cannot be read, or was signed for another region or service.',
    help: 'Set the client’s region to `SEXTANT_REGION`.',
  },
  AuthorizationQueryParametersError: {
    when: 'The same of a presigned URL; 403 where it is to be good for less than a second or more than seven days.',
    help: 'Sign anew.',
  },
  BadDigest: {
    when: 'Content-MD5, a checksum or a trailer does not match the bytes that came. Nothing was stored.',
    help: 'Send again. If it stays so, something between client and store changes bytes, or the client reckons wrongly.',
  },
  BadRequest: {
    when: 'What came is no HTTP that could be answered otherwise, a Host header is missing or repeated, https was spoken badly; or there are too many tags.',
    help: THE_CLIENT,
  },
  BucketAlreadyExists: { when: 'Somebody else’s account has a bucket of that name.', help: 'Choose another name.' },
  BucketAlreadyOwnedByYou: {
    when: 'Your account has it already.',
    help: 'Use it. Where `SEXTANT_REGION` is us-east-1, making it again is answered 200, as S3 does there.',
  },
  BucketNotEmpty: {
    when: 'There are objects, versions or delete markers in it.',
    help: 'Delete all versions (`aws s3api list-object-versions`), or let a lifecycle rule do so.',
  },
  DataUnavailable: {
    when: 'More chunks of a part cannot be reached, or are damaged, than its parity makes good. Never are wrong bytes sent.',
    help: '`sextant status` tells which servers are away: bring them back. [monitoring.md](monitoring.md) has the alert.',
  },
  EntityTooLarge: {
    when: 'Beyond 5 GiB in one PUT or part, beyond `SEXTANT_MAX_OBJECT_BYTES` in all, or beyond what a form’s policy allows.',
    help: 'Upload in parts; or raise the setting.',
  },
  EntityTooSmall: {
    when: 'A part that is not the last one has less than 5 MiB; or a form’s file less than its policy asks for.',
    help: 'Larger parts.',
  },
  ExpiredToken: { when: 'The access key’s time is over.', help: '`sextant key rotate` or a new key.' },
  IdempotencyParameterMismatch: {
    when: 'RenameObject with a client token that was used for another rename.',
    help: 'A token for each.',
  },
  IllegalLocationConstraintException: {
    when: 'A bucket is to be made in another region than `SEXTANT_REGION`.',
    help: 'Set the client’s region.',
  },
  IllegalVersioningConfigurationException: {
    when: 'The versioning document says nothing that can be set.',
    help: THE_CLIENT,
  },
  IncompleteBody: {
    when: 'Fewer or more bytes came than Content-Length, or the coding, said. Nothing was stored.',
    help: 'Send again: the connection broke, or a proxy cut it.',
  },
  InsufficientStorage: {
    when: 'So many storage servers are full that what would be written could be lost with one of them.',
    help: 'Add a node or free space ([monitoring.md](monitoring.md)). Deleting goes on; space is free after `SEXTANT_DOOMED_GRACE_SECONDS`.',
  },
  InternalError: {
    when: 'A bug.',
    help: 'Try again, and report it with the lines of the log that have the request’s id.',
  },
  InvalidAccessKeyId: { when: 'There is no such key, or it is disabled.', help: '`sextant key list`.' },
  InvalidArgument: {
    when: 'A parameter or header has a value that it may not have; ArgumentName says which.',
    help: THE_CLIENT,
  },
  InvalidBucketAclWithBlockPublicAccessError: {
    when: 'A bucket is to be made with a public ACL, which its public access block bars.',
    help: 'Leave the ACL away.',
  },
  InvalidBucketAclWithObjectOwnership: {
    when: 'A bucket is to be made with an ACL and BucketOwnerEnforced.',
    help: 'One or the other.',
  },
  InvalidBucketName: {
    when: 'Not 3 to 63 lower-case letters, digits, dots and hyphens, or a name that is kept (`health`).',
    help: 'Another name.',
  },
  InvalidBucketState: {
    when: 'Versioning is to be suspended where object lock is on, or object lock put on where there are no versions.',
    help: 'Turn versioning on first; with object lock it stays.',
  },
  InvalidDigest: { when: 'Content-MD5 is not the base64 of 16 bytes.', help: THE_CLIENT },
  InvalidEncryptionAlgorithmError: { when: 'SSE-C with anything but AES256.', help: THE_CLIENT },
  InvalidLocationConstraint: {
    when: 'us-east-1 is given as a location constraint: S3 wants it left away.',
    help: THE_CLIENT,
  },
  InvalidPart: {
    when: 'A part that is to be completed was not uploaded, has another ETag or another checksum.',
    help: 'ListParts tells what is there.',
  },
  InvalidPartNumber: { when: 'GetObject asks for a part that the object has not.', help: THE_CLIENT },
  InvalidPartOrder: { when: 'CompleteMultipartUpload lists parts in another order than by number.', help: THE_CLIENT },
  InvalidPolicyDocument: { when: 'The policy of a form cannot be read.', help: THE_CLIENT },
  InvalidRange: { when: 'The range begins behind the end of the object.', help: THE_CLIENT },
  InvalidRequest: { when: 'What is asked for makes no sense together; the message says what.', help: THE_CLIENT },
  InvalidStorageClass: {
    when: 'A storage class that this store does not have: STANDARD and REDUCED_REDUNDANCY it has.',
    help: 'Leave it away.',
  },
  InvalidTag: { when: 'A tag has a key or value that it may not have.', help: THE_CLIENT },
  InvalidToken: { when: 'A session token was sent: there is no STS here.', help: 'Use plain access keys.' },
  InvalidURI: { when: 'The path or query is not well coded.', help: THE_CLIENT },
  'KMS.NotFoundException': {
    when: 'Encryption is asked for, or needed for reading, by a key that `SEXTANT_KMS_KEYS` does not have.',
    help: '[encryption.md](encryption.md).',
  },
  KeyTooLongError: { when: 'A key of more than 1,024 bytes in UTF-8.', help: 'A shorter key.' },
  MalformedACLError: { when: 'The ACL’s XML is not one.', help: THE_CLIENT },
  MalformedPolicy: { when: 'The bucket policy is not one; the message says where.', help: '[access.md](access.md).' },
  MalformedPOSTRequest: { when: 'A form is no multipart/form-data.', help: THE_CLIENT },
  MalformedTrailerError: { when: 'The trailer of an aws-chunked body is missing or badly written.', help: THE_CLIENT },
  MalformedXML: { when: 'The XML is not well formed, or not what the operation takes.', help: THE_CLIENT },
  MaxMessageLengthExceeded: {
    when: 'The XML or JSON of a request is larger than the operation takes.',
    help: 'Split it.',
  },
  MaxPostPreDataLengthExceeded: { when: 'More than 20 KiB of fields stand before a form’s file.', help: THE_CLIENT },
  MetadataConfigurationNotFound: { when: 'It was asked for.', help: NEVER_SET },
  MetadataTooLarge: { when: 'More than 2 KiB of `x-amz-meta-…`.', help: 'Less of it, or an object beside.' },
  MethodNotAllowed: {
    when: 'The method is none of that resource; a delete marker was asked for by its id; a bucket policy by another account than the owner’s.',
    help: THE_CLIENT,
  },
  MissingContentLength: { when: 'A PUT without Content-Length.', help: THE_CLIENT },
  MissingRequestBodyError: { when: 'The operation takes a document, and none came.', help: THE_CLIENT },
  MissingSecurityHeader: {
    when: 'A signed request without `x-amz-content-sha256`; PutObjectAcl or PutBucketAcl without an ACL.',
    help: THE_CLIENT,
  },
  NoSuchBucket: {
    when: 'There is no such bucket.',
    help: 'Make it. With virtual-host style, look at `SEXTANT_DOMAIN`.',
  },
  NoSuchBucketPolicy: { when: 'It was asked for.', help: NOTHING_SET },
  NoSuchConfiguration: { when: 'Analytics, metrics, inventory or the like was asked for.', help: NEVER_SET },
  NoSuchCORSConfiguration: { when: 'It was asked for.', help: NOTHING_SET },
  NoSuchKey: {
    when: 'There is no such object, or its latest version is a delete marker.',
    help: 'With versions: ListObjectVersions.',
  },
  NoSuchLifecycleConfiguration: { when: 'It was asked for.', help: NOTHING_SET },
  NoSuchObjectLockConfiguration: {
    when: 'Retention or legal hold of a version that has none was asked for.',
    help: NOTHING_SET,
  },
  NoSuchPublicAccessBlockConfiguration: { when: 'It was asked for.', help: NOTHING_SET },
  NoSuchTagSet: { when: 'The bucket’s tags were asked for.', help: NOTHING_SET },
  NoSuchUpload: {
    when: 'The upload was completed, aborted, or has expired (`SEXTANT_UPLOAD_TTL_SECONDS`).',
    help: 'Begin anew.',
  },
  NoSuchVersion: { when: 'There is no such version of the key.', help: 'ListObjectVersions.' },
  NoSuchWebsiteConfiguration: { when: 'It was asked for.', help: NEVER_SET },
  NotImplemented: {
    when: 'S3 has it, this store does not: never is a wish passed over in silence.',
    help: '[s3-coverage.md](s3-coverage.md) and [limits.md](limits.md).',
  },
  NotModified: { when: 'A conditional read, and nothing has changed.', help: 'Nothing is wrong.' },
  ObjectLockConfigurationNotFoundError: {
    when: 'It was asked for, or is needed, and the bucket has no object lock.',
    help: NOTHING_SET,
  },
  OwnershipControlsNotFoundError: { when: 'It was asked for.', help: NOTHING_SET },
  PreconditionFailed: {
    when: 'If-Match, If-None-Match or the like does not hold. Of writes that race, one wins.',
    help: 'Read again, then decide.',
  },
  ReplicationConfigurationNotFoundError: { when: 'It was asked for.', help: NEVER_SET },
  RequestHeaderSectionTooLarge: { when: 'Headers are larger than the store reads.', help: THE_CLIENT },
  RequestTimeout: {
    when: 'Nothing came for longer than the store waits for headers or for the next piece of a body.',
    help: 'Send again; look at the network and at proxies.',
  },
  RequestTimeTooSkewed: { when: 'The clocks differ by more than 15 minutes.', help: 'NTP, on both sides.' },
  ServerSideEncryptionConfigurationNotFoundError: { when: 'It was asked for.', help: NOTHING_SET },
  ServiceUnavailable: {
    when: 'PostgreSQL does not answer, too few storage servers take chunks, or a gateway has lost its session.',
    help: 'Clients try again by themselves. `/health/ready`, `sextant status`, [monitoring.md](monitoring.md).',
  },
  SignatureDoesNotMatch: {
    when: 'The secret is another, or something on the way changes host, path or headers.',
    help: 'Compare StringToSign and CanonicalRequest in the answer with the client’s. A proxy must leave Host as it is ([deploy/haproxy](../deploy/haproxy/README.md)).',
  },
  SlowDown: {
    when: 'A key or an address asks for more than its limit; or memory for transfers, or connections to PostgreSQL, have too many waiting.',
    help: 'Clients try again by themselves. Limits: [security.md](security.md); rejected requests by reason: [metrics.md](metrics.md).',
  },
  TooManyBuckets: { when: 'An account has 10,000 buckets.', help: 'Another account.' },
  UnresolvableGrantByEmailAddress: { when: 'No account has that e-mail address.', help: '`sextant account list`.' },
  XAmzContentSHA256Mismatch: {
    when: 'The body is not what was signed. Nothing was stored.',
    help: 'As with BadDigest.',
  },
}
