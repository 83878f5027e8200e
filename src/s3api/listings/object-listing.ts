import { limits } from '../../base/limits.ts'
import type { ListedObject, ObjectPage } from '../../base/model.ts'
import { asText, encodingType, pageSize, queryOr } from '../fields.ts'
import { owner } from '../shapes.ts'
import { etag, integer, text, timestamp } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'

/** What both listings of objects are asked alike. */
export const listingInputs = {
  prefix: queryOr('prefix', asText, ''),
  delimiter: queryOr('delimiter', asText, ''),
  keysMax: queryOr('max-keys', pageSize(limits.listKeysMax), limits.listKeysMax),
  encoding: queryOr('encoding-type', encodingType, undefined),
}

/** What a listing says of each object. */
export const contentsMembers = {
  Key: text,
  LastModified: timestamp,
  ETag: etag,
  ChecksumAlgorithm: optional(text),
  ChecksumType: optional(text),
  Size: integer,
  StorageClass: text,
  Owner: optional(owner),
}

const contents = structure(contentsMembers)

export const listingMembers = {
  Contents: flatList(contents),
  CommonPrefixes: flatList(structure({ Prefix: text })),
}

/** Keys and common prefixes of a page, coded as asked. */
export function listingValues(
  page: ObjectPage,
  { encode, ownerAt }: { encode: (text: string) => string; ownerAt: (n: number) => Infer<typeof contents>['Owner'] },
) {
  return {
    Contents: page.objects.map((object, n) => contentsValues(object, encode, ownerAt(n))),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
  }
}

export function contentsValues(
  object: ListedObject,
  encode: (text: string) => string,
  owner: Infer<typeof contents>['Owner'],
): Infer<typeof contents> {
  return {
    Key: encode(object.key),
    LastModified: object.committedAt,
    ETag: object.etag,
    ChecksumAlgorithm: object.checksumAlgorithm,
    ChecksumType: object.checksumType,
    Size: object.sizeBytes,
    StorageClass: object.storageClass,
    Owner: owner,
  }
}
