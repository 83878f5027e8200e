import { asBoolean, asText, queryOr } from '../fields.ts'
import { continuationToken, makeToken } from '../listings/continuation-token.ts'
import { findOwners } from '../listings/find-owners.ts'
import { listingInputs, listingMembers, listingValues } from '../listings/object-listing.ts'
import { encoder } from '../listings/url-encoding.ts'
import { noBody, operation, xml } from '../operation.ts'
import { boolean, integer, text } from '../xml/kinds.ts'
import { optional, structure } from '../xml/shape.ts'

const result = structure({
  Name: text,
  Prefix: text,
  ContinuationToken: optional(text),
  NextContinuationToken: optional(text),
  StartAfter: optional(text),
  KeyCount: integer,
  MaxKeys: integer,
  Delimiter: optional(text),
  EncodingType: optional(text),
  IsTruncated: boolean,
  ...listingMembers,
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export const listObjectsV2 = operation({
  name: 'ListObjectsV2',
  route: { method: 'GET', on: 'bucket', query: ['list-type=2'] },
  action: 's3:ListBucket',
  lookUp: 'bucket',
  request: {
    ...listingInputs,
    token: queryOr('continuation-token', continuationToken, undefined),
    startAfter: queryOr('start-after', asText, undefined),
    fetchOwner: queryOr('fetch-owner', asBoolean, false),
  },
  payload: noBody,
  status: 200,
  body: xml('ListBucketResult', result),
  async handle(call, input, signal) {
    const { engine, bucket } = call
    const { prefix, delimiter, keysMax, token, startAfter } = input
    const after = token?.after || startAfter || ''
    const query = { bucketId: bucket.id, prefix, delimiter, after, rowsMax: keysMax }
    const page = await engine.catalogue.listObjects(query, signal)
    const encode = encoder(input.encoding)
    const ownerAt = input.fetchOwner ? await findOwners(call, page.objects, signal) : () => undefined
    return {
      output: {
        Name: bucket.name,
        Prefix: encode(prefix),
        ContinuationToken: token?.text,
        NextContinuationToken: page.isTruncated && page.next !== undefined ? makeToken(page.next) : undefined,
        StartAfter: startAfter === undefined ? undefined : encode(startAfter),
        KeyCount: page.objects.length + page.commonPrefixes.length,
        MaxKeys: keysMax,
        Delimiter: delimiter === '' ? undefined : encode(delimiter),
        EncodingType: input.encoding,
        IsTruncated: page.isTruncated,
        ...listingValues(page, { encode, ownerAt }),
      },
    }
  },
})
