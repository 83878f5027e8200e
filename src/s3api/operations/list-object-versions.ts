import type { ListedVersion } from '../../base/model.ts'
import { asText, invalid, queryOr } from '../fields.ts'
import { findOwners } from '../listings/find-owners.ts'
import { contentsMembers, contentsValues, listingInputs } from '../listings/object-listing.ts'
import { encoder } from '../listings/url-encoding.ts'
import { parseVersionId } from '../objects/version.ts'
import { noBody, operation, xml } from '../operation.ts'
import { owner, ownerOf } from '../shapes.ts'
import { boolean, integer, text, timestamp } from '../xml/kinds.ts'
import { flatChoice, flatList, optional, structure } from '../xml/shape.ts'

const version = structure({ ...contentsMembers, VersionId: text, IsLatest: boolean })
const marker = structure({
  Key: text,
  VersionId: text,
  IsLatest: boolean,
  LastModified: timestamp,
  Owner: optional(owner),
})

const result = structure({
  Name: text,
  Prefix: text,
  KeyMarker: text,
  VersionIdMarker: text,
  NextKeyMarker: optional(text),
  NextVersionIdMarker: optional(text),
  MaxKeys: integer,
  Delimiter: optional(text),
  EncodingType: optional(text),
  IsTruncated: boolean,
  Entries: flatChoice({ Version: version, DeleteMarker: marker }),
  CommonPrefixes: flatList(structure({ Prefix: text })),
})

/** Versions and delete markers by key, and of a key the newest first. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html */
export const listObjectVersions = operation({
  name: 'ListObjectVersions',
  route: { method: 'GET', on: 'bucket', query: ['versions'] },
  action: 's3:ListBucketVersions',
  lookUp: 'bucket',
  request: {
    ...listingInputs,
    keyMarker: queryOr('key-marker', asText, ''),
    // An empty one is what some clients send for none.
    versionIdMarker: queryOr('version-id-marker', (id, name) => (id === '' ? '' : parseVersionId(id, name)), ''),
  },
  payload: noBody,
  status: 200,
  body: xml('ListVersionsResult', result),
  async handle(call, input, signal) {
    const { engine, bucket } = call
    const { prefix, delimiter, keysMax, keyMarker, versionIdMarker } = input
    if (versionIdMarker !== '' && keyMarker === '') {
      const reason = 'A version-id marker cannot be specified without a key marker.'
      throw invalid('version-id-marker', versionIdMarker, reason)
    }
    const from = { afterKey: keyMarker, afterVersionId: versionIdMarker }
    const query = { bucketId: bucket.id, prefix, delimiter, ...from, rowsMax: keysMax }
    const page = await engine.catalogue.listVersions(query, signal)
    const encode = encoder(input.encoding)
    const named = ({ versionId, isLatest }: ListedVersion) => ({ VersionId: versionId, IsLatest: isLatest })
    const ownerAt = await findOwners(call, page.versions, signal)
    const Owner = await ownerOf(bucket.ownerId, call, signal)
    return {
      output: {
        Name: bucket.name,
        Prefix: encode(prefix),
        KeyMarker: encode(keyMarker),
        VersionIdMarker: versionIdMarker,
        NextKeyMarker: page.nextKey === undefined ? undefined : encode(page.nextKey),
        NextVersionIdMarker: page.nextVersionId,
        MaxKeys: keysMax,
        Delimiter: delimiter === '' ? undefined : encode(delimiter),
        EncodingType: input.encoding,
        IsTruncated: page.isTruncated,
        Entries: page.versions.map((each, n) =>
          each.isDeleteMarker
            ? {
                name: 'DeleteMarker' as const,
                value: { Key: encode(each.key), ...named(each), LastModified: each.committedAt, Owner },
              }
            : {
                name: 'Version' as const,
                value: { ...contentsValues(each, encode, ownerAt(n)), ...named(each) },
              },
        ),
        CommonPrefixes: page.commonPrefixes.map((each) => ({ Prefix: encode(each) })),
      },
    }
  },
})
