import { isFault, StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { accountOf } from '../authorise.ts'
import { bucketName } from '../fields.ts'
import { operation, xmlPayload } from '../operation.ts'
import type { S3Settings } from '../settings.ts'
import { text } from '../xml/kinds.ts'
import { type Infer, optional, structure } from '../xml/shape.ts'

const configuration = structure({
  LocationConstraint: optional(text),
  Location: optional(structure({})),
  Bucket: optional(structure({})),
  Tags: optional(structure({})),
})

const DEFAULT_REGION = 'us-east-1'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
export const createBucket = operation({
  name: 'CreateBucket',
  route: { method: 'PUT', on: 'bucket' },
  action: 's3:CreateBucket',
  lookUp: 'none',
  request: { name: bucketName },
  payload: xmlPayload('CreateBucketConfiguration', configuration, {
    sizeBytesMax: limits.xmlBytesMax,
    isOptional: true,
  }),
  status: 200,
  async handle({ engine, identity, settings, document }, { name }, signal) {
    checkConfiguration(document, settings)
    const bucket = { name, ownerId: accountOf(identity).id, region: settings.region }
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
  if (document?.Tags) throw new StoreFault('NotImplemented', { feature: 'Tags on CreateBucket' })
  const given = document?.LocationConstraint?.trim() ?? ''
  if (region === DEFAULT_REGION) {
    if (given === '') return
    if (given === DEFAULT_REGION) throw new StoreFault('InvalidLocationConstraint', { location: given })
  } else if (given === region || (given === 'EU' && region === 'eu-west-1')) {
    return
  }
  throw new StoreFault('IllegalLocationConstraintException', { location: given || 'unspecified' })
}
