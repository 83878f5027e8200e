import { StoreFault } from '../../base/faults.ts'
import type { TagSet } from '../../base/model.ts'
import { text } from '../xml/kinds.ts'
import { type Infer, listOf, structure } from '../xml/shape.ts'

/** A list of tags in a document, wherever it stands. */
export const tagList = listOf('Tag', structure({ Key: text, Value: text }))

/** The document of Put- and GetObjectTagging, and of Put- and GetBucketTagging. */
export const tagging = structure({ TagSet: tagList })

export type TaggedThing = 'object' | 'bucket'

/**
 * What a client gave, judged; its order is kept. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 * Faults: BadRequest (too many), InvalidTag.
 */
export function parseTagList(tags: Infer<typeof tagList>, thing: TaggedThing): TagSet {
  return checkTags(
    tags.map(({ Key, Value }) => [Key, Value] as const),
    thing,
  )
}

/** Faults: BadRequest (too many), InvalidTag. */
export function checkTags(tags: TagSet, thing: TaggedThing): TagSet {
  if (tags.length > TAGS_MAX[thing]) throw new StoreFault('BadRequest', { reason: TOO_MANY[thing] })
  const keys = new Set<string>()
  for (const [key, value] of tags) {
    checkTag(key, value)
    if (keys.has(key)) throw invalidTag('Cannot provide multiple Tags with the same key', key)
    keys.add(key)
  }
  return tags
}

export function writeTagList(tags: TagSet): Infer<typeof tagList> {
  return tags.map(([Key, Value]) => ({ Key, Value }))
}

const TAGS_MAX: Readonly<Record<TaggedThing, number>> = { object: 10, bucket: 50 }
const TOO_MANY: Readonly<Record<TaggedThing, string>> = {
  object: 'Object tags cannot be greater than 10',
  bucket: 'Bucket tag count cannot be greater than 50',
}

/** In UTF-16 code units, as S3 counts. */
const KEY_LENGTH_MAX = 128
const VALUE_LENGTH_MAX = 256

/** S3's own characters, and the marks without which the letters of many scripts cannot be written. */
const TAG_TEXT = /^[\p{L}\p{M}\p{N}\p{Z}_.:/=+\-@]*$/u

function checkTag(key: string, value: string): void {
  if (key === '' || key.length > KEY_LENGTH_MAX || !TAG_TEXT.test(key)) {
    throw invalidTag('The TagKey you have provided is invalid', key)
  }
  if (key.toLowerCase().startsWith('aws:')) {
    throw invalidTag('System tags cannot be added/updated by requester', key)
  }
  if (value.length > VALUE_LENGTH_MAX || !TAG_TEXT.test(value)) {
    throw new StoreFault('InvalidTag', { reason: 'The TagValue you have provided is invalid', key, value })
  }
}

function invalidTag(reason: string, key: string): StoreFault {
  return new StoreFault('InvalidTag', { reason, key })
}
