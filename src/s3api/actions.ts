/** What callers need leave for: IAM's names, each used by an operation's descriptor. */
export type S3Action =
  | 's3:AbortMultipartUpload'
  | 's3:CreateBucket'
  | 's3:DeleteBucket'
  | 's3:DeleteObject'
  | 's3:GetBucketLocation'
  | 's3:GetObject'
  | 's3:ListAllMyBuckets'
  | 's3:ListBucket'
  | 's3:ListBucketMultipartUploads'
  | 's3:ListMultipartUploadParts'
  | 's3:PutObject'
