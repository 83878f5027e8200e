import { boolean, integer, text, timestamp, wholeNumber } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'

const tag = structure({ Key: text, Value: text })

const sizes = { ObjectSizeGreaterThan: optional(integer), ObjectSizeLessThan: optional(integer) }

const filter = structure({
  Prefix: optional(text),
  Tag: optional(tag),
  ...sizes,
  And: optional(structure({ Prefix: optional(text), Tag: flatList(tag), ...sizes })),
})

const expiration = structure({
  Days: optional(wholeNumber),
  Date: optional(timestamp),
  ExpiredObjectDeleteMarker: optional(boolean),
})

const rule = structure({
  ID: optional(text),
  Prefix: optional(text),
  Filter: optional(filter),
  Status: text,
  Expiration: optional(expiration),
  NoncurrentVersionExpiration: optional(
    structure({ NoncurrentDays: optional(wholeNumber), NewerNoncurrentVersions: optional(wholeNumber) }),
  ),
  AbortIncompleteMultipartUpload: optional(structure({ DaysAfterInitiation: optional(wholeNumber) })),
  Transition: flatList(
    structure({ Days: optional(wholeNumber), Date: optional(timestamp), StorageClass: optional(text) }),
  ),
  NoncurrentVersionTransition: flatList(
    structure({
      NoncurrentDays: optional(wholeNumber),
      NewerNoncurrentVersions: optional(wholeNumber),
      StorageClass: optional(text),
    }),
  ),
})

/** Of Put- and GetBucketLifecycleConfiguration; about transitions, which are not made. */
export const sizeMinHeader = 'x-amz-transition-default-minimum-object-size'

/** The document of Put- and GetBucketLifecycleConfiguration. */
export const lifecycleConfiguration = structure({ Rule: flatList(rule) })

export type GivenRule = Infer<typeof rule>
export type GivenFilter = Infer<typeof filter>
