import { limits } from '../../base/limits.ts'
import type { Checksum, ObjectVersion } from '../../base/model.ts'
import { checksumMembers, checksumValues } from '../checksums/algorithms.ts'
import { checkCustomerKey } from '../encryption/check-customer-key.ts'
import { customerKey } from '../encryption/customer-key.ts'
import { headerOr, headers, integerIn, invalid, invalidRequest, objectKey, pageSize } from '../fields.ts'
import { existing } from '../objects/read-object.ts'
import { versionHeaders, versionId } from '../objects/version.ts'
import { noBody, operation, xml } from '../operation.ts'
import { headerOf } from '../request-head.ts'
import { boolean, integer, text } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'

const parts = structure({
  PartsCount: integer,
  PartNumberMarker: optional(integer),
  NextPartNumberMarker: optional(integer),
  MaxParts: optional(integer),
  IsTruncated: optional(boolean),
  Part: flatList(structure({ PartNumber: integer, Size: integer, ...checksumMembers })),
})

/** The ETag has no quotes here, other than everywhere else. */
const result = structure({
  ETag: optional(text),
  Checksum: optional(structure({ ...checksumMembers, ChecksumType: optional(text) })),
  ObjectParts: optional(parts),
  StorageClass: optional(text),
  ObjectSize: optional(integer),
})

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']

/** `ETag, ObjectSize`: in any order, with blanks or without. Faults: InvalidRequest (none), InvalidArgument. */
const wanted = headers('attributes', ['x-amz-object-attributes'], (head): ReadonlySet<string> => {
  const given = headerOf(head, 'x-amz-object-attributes') ?? ''
  const names = given.split(',').map((name) => name.trim())
  if (names.every((name) => name === '')) throw invalidRequest(NONE_WANTED)
  if (!names.every((name) => ATTRIBUTES.includes(name))) {
    throw invalid('x-amz-object-attributes', given, 'Invalid attribute name specified.')
  }
  return new Set(names)
})

const NONE_WANTED =
  'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectAttributes.html */
export const getObjectAttributes = operation({
  name: 'GetObjectAttributes',
  route: { method: 'GET', on: 'object', query: ['attributes'] },
  action: 's3:GetObjectAttributes',
  lookUp: 'object',
  request: {
    key: objectKey,
    versionId,
    wanted,
    customerKey,
    partsMax: headerOr('x-amz-max-parts', pageSize(limits.listKeysMax), limits.listKeysMax),
    after: headerOr('x-amz-part-number-marker', integerIn(0, 0x7fff_ffff), 0),
  },
  payload: noBody,
  status: 200,
  body: xml('GetObjectAttributesResponse', result),
  async handle({ engine, bucket, found }, input) {
    const object = existing(found, input)
    checkCustomerKey(engine, object, input.customerKey)
    const told = {
      ETag: object.etag,
      Checksum: object.checksum && checksumOf(object.checksum),
      ObjectParts: object.isMultipart ? partsOf(object, input) : undefined,
      StorageClass: object.attributes.storageClass,
      ObjectSize: object.sizeBytes,
    }
    return {
      headers: { 'Last-Modified': object.committedAt.toUTCString(), ...versionHeaders(bucket, object) },
      output: Object.fromEntries(Object.entries(told).filter(([name]) => input.wanted.has(name))),
    }
  },
})

/** Without the count of parts that stands behind it everywhere else. */
function checksumOf({ algorithm, value, type }: Checksum) {
  return { ...checksumValues({ algorithm, value: value.replace(/-\d+$/, '') }), ChecksumType: type }
}

/** S3 lists the parts only where each has a checksum of its own that counts: of a composite one. */
function partsOf(object: ObjectVersion, page: { partsMax: number; after: number }): Infer<typeof parts> {
  const { checksum } = object
  if (checksum?.type !== 'COMPOSITE') return { PartsCount: object.parts.length, Part: [] }
  const behind = object.parts.filter(({ number }) => number > page.after)
  const shown = behind.slice(0, page.partsMax)
  return {
    PartsCount: object.parts.length,
    PartNumberMarker: page.after,
    NextPartNumberMarker: shown.at(-1)?.number ?? page.after,
    MaxParts: page.partsMax,
    IsTruncated: behind.length > shown.length,
    Part: shown.map(({ number, sizeBytes, checksum: value }) => ({
      PartNumber: number,
      Size: sizeBytes,
      ...(value !== undefined && checksumValues({ algorithm: checksum.algorithm, value })),
    })),
  }
}
