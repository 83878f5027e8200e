/** What of S3 is not done, and why: a test holds it against S3's own model, and docs/s3-coverage.md is made of it. */

/** By operation: what has no place in a store of this kind. */
export const operationsLeftOut: Readonly<Record<string, string>> = {
  CreateSession: 'of directory buckets, which there are not',
  ...byName(
    ['DeleteObjectAnnotation', 'GetObjectAnnotation', 'ListObjectAnnotations', 'PutObjectAnnotation'],
    'objects have tags and metadata, and no annotations',
  ),
  GetObjectTorrent: 'S3 itself gives it up; nobody shares objects by BitTorrent',
  ListDirectoryBuckets: 'there are no directory buckets',
  RestoreObject: 'nothing is archived: every object can be read at once',
  SelectObjectContent: 'S3 takes no new users of it; query engines read ranges',
  UpdateObjectEncryption: 'keys are chosen when an object is written or copied',
  WriteGetObjectResponse: 'of Object Lambda, which there is not',
}

/** Operations that are still to come; one that has come may stand here until it is taken out. */
export const operationsToCome: ReadonlySet<string> = new Set()

/** By the name that it has in XML: elements of answers that are never told. */
export const elementsLeftOut: Readonly<Record<string, string>> = {
  ...byName(
    ['AnalyticsConfiguration', 'InventoryConfiguration', 'IntelligentTieringConfiguration', 'MetricsConfiguration'],
    'there are none to list',
  ),
  ...byName(
    ['ChecksumMD5', 'ChecksumSHA512', 'ChecksumXXHASH128', 'ChecksumXXHASH3', 'ChecksumXXHASH64'],
    'five algorithms are done: CRC32, CRC32C, CRC64NVME, SHA1, SHA256; others are refused',
  ),
  BucketArn: 'S3 tells it of directory buckets',
  NextContinuationToken: 'of lists that are empty',
  RestoreStatus: 'nothing is archived',
}

/** Headers of answers that are never sent. */
export const headersLeftOut: Readonly<Record<string, string>> = {
  ...byName(['x-amz-archive-status', 'x-amz-restore'], 'nothing is archived'),
  ...byName(['x-amz-bucket-arn', 'x-amz-bucket-location-name', 'x-amz-bucket-location-type'], 'of directory buckets'),
  'x-amz-object-size': 'of appends, which only directory buckets take',
  'x-amz-missing-meta': 'for metadata that came by SOAP',
  'x-amz-replication-status': 'nothing is replicated to other buckets',
  'x-amz-request-charged': 'nobody is charged',
  expiresstring: 'the SDK makes it itself, of Expires',
}

/** What headers begin with that are sent by operations still to come. */
export const headersToCome: readonly string[] = ['x-amz-abort-', 'x-amz-expiration', 'x-amz-object-lock-']

function byName(names: readonly string[], reason: string): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, reason]))
}
