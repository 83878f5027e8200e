import { isFault, StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { askedAcl, saysAcl } from '../access/acl/acl-headers.ts'
import { newBucketRules } from '../access/new-bucket-rules.ts'
import { objectOwnership } from '../access/object-ownership.ts'
import { accountOf } from '../authorise.ts'
import { bucketName } from '../fields.ts'
import { asksForLock, isLocked } from '../lock/new-locked-bucket.ts'
import { operation, xmlPayload } from '../operation.ts'
import type { S3Settings } from '../settings.ts'
import { parseTagList, tagList } from '../tagging/tag-set.ts'
import { text } from '../xml/kinds.ts'
import { type Infer, optional, structure } from '../xml/shape.ts'

const configuration = structure({
  LocationConstraint: optional(text),
  Location: optional(structure({})),
  Bucket: optional(structure({})),
  Tags: optional(tagList),
})

const DEFAULT_REGION = 'us-east-1'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
export const createBucket = operation({
  name: 'CreateBucket',
  route: { method: 'PUT', on: 'bucket' },
  action: 's3:CreateBucket',
  lookUp: 'none',
  alsoNeeds: (head) => [
    ...(saysAcl(head) ? (['s3:PutBucketAcl'] as const) : []),
    ...(head.headers['x-amz-object-ownership'] === undefined ? [] : (['s3:PutBucketOwnershipControls'] as const)),
    ...(asksForLock(head) ? (['s3:PutBucketObjectLockConfiguration', 's3:PutBucketVersioning'] as const) : []),
  ],
  request: { name: bucketName, ownership: objectOwnership, acl: askedAcl, isLocked },
  payload: xmlPayload('CreateBucketConfiguration', configuration, {
    sizeBytesMax: limits.xmlBytesMax,
    isOptional: true,
  }),
  status: 200,
  async handle({ engine, identity, settings, document }, { name, ownership, acl, isLocked }, signal) {
    checkConfiguration(document, settings)
    const ownerId = accountOf(identity).id
    const rules = await newBucketRules({ ownership, acl, ownerId, settings }, engine.catalogue, signal)
    const tags = parseTagList(document?.Tags ?? [], 'bucket')
    const documents = tags.length === 0 ? {} : { tagging: tags }
    // Locked versions have to be kept.
    const locked = isLocked
      ? { versioning: 'Enabled' as const, settings: { ...rules, objectLock: {} } }
      : { settings: rules }
    const bucket = { name, ownerId, region: settings.region, documents, ...locked }
    try {
      await engine.catalogue.createBucket(bucket, signal)
    } catch (error) {
      // In its first region, S3 takes a repeated CreateBucket for a success.
      const isRepeat = isFault(error, 'BucketAlreadyOwnedByYou') && settings.region === DEFAULT_REGION
      if (!isRepeat) throw error
    }
    return { headers: { Location: `/${name}` } }
  },
})

/** Buckets live in this store's one region. Faults: NotImplemented, InvalidLocationConstraint, IllegalLocationConstraintException. */
function checkConfiguration(document: Infer<typeof configuration> | undefined, { region }: S3Settings): void {
  if (document?.Location || document?.Bucket) throw new StoreFault('NotImplemented', { feature: 'A directory bucket' })
  const given = document?.LocationConstraint?.trim() ?? ''
  if (region === DEFAULT_REGION) {
    if (given === '') return
    if (given === DEFAULT_REGION) throw new StoreFault('InvalidLocationConstraint', { location: given })
  } else if (given === region || (given === 'EU' && region === 'eu-west-1')) {
    return
  }
  throw new StoreFault('IllegalLocationConstraintException', { location: given || 'unspecified' })
}
