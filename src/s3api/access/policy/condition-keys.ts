/**
 * The condition keys that a policy may name, in lower case: what S3 knows of a request, and of IAM's global keys those that
 * there is something to say about here. A key that nobody ever answers would make a condition that means nothing.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
 */
const KEYS: ReadonlySet<string> = new Set([
  'aws:currenttime',
  'aws:epochtime',
  'aws:principalaccount',
  'aws:principalarn',
  'aws:principaltype',
  'aws:referer',
  'aws:resourceaccount',
  'aws:securetransport',
  'aws:sourceip',
  'aws:useragent',
  'aws:userid',
  'aws:username',
  's3:authtype',
  's3:delimiter',
  's3:if-match',
  's3:if-none-match',
  's3:locationconstraint',
  's3:max-keys',
  's3:object-lock-legal-hold',
  's3:object-lock-mode',
  's3:object-lock-remaining-retention-days',
  's3:object-lock-retain-until-date',
  's3:prefix',
  's3:requestobjecttagkeys',
  's3:resourceaccount',
  's3:signatureage',
  's3:signatureversion',
  's3:tlsversion',
  's3:versionid',
  's3:x-amz-acl',
  's3:x-amz-content-sha256',
  's3:x-amz-copy-source',
  's3:x-amz-grant-full-control',
  's3:x-amz-grant-read',
  's3:x-amz-grant-read-acp',
  's3:x-amz-grant-write',
  's3:x-amz-grant-write-acp',
  's3:x-amz-metadata-directive',
  's3:x-amz-object-ownership',
  's3:x-amz-server-side-encryption',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
  's3:x-amz-server-side-encryption-customer-algorithm',
  's3:x-amz-storage-class',
  's3:x-amz-website-redirect-location',
])

/** Behind the slash stands the name of a tag, whose case counts. */
const TAG_KEYS = ['s3:existingobjecttag/', 's3:requestobjecttag/']

/** A key as the rest of the program spells it; undefined: there is no such key. */
export function normalisedKey(name: string): string | undefined {
  const lower = name.toLowerCase()
  if (KEYS.has(lower)) return lower
  const tag = TAG_KEYS.find((prefix) => lower.startsWith(prefix) && name.length > prefix.length)
  return tag === undefined ? undefined : tag + name.slice(tag.length)
}

export function isConditionKey(name: string): boolean {
  return normalisedKey(name) !== undefined
}
