import { asText, queryOr } from '../fields.ts'
import { findOwners } from '../listings/find-owners.ts'
import { listingInputs, listingMembers, listingValues } from '../listings/object-listing.ts'
import { encoder } from '../listings/url-encoding.ts'
import { noBody, operation, xml } from '../operation.ts'
import { boolean, integer, text } from '../xml/kinds.ts'
import { optional, structure } from '../xml/shape.ts'

const result = structure({
  Name: text,
  Prefix: text,
  Marker: text,
  NextMarker: optional(text),
  MaxKeys: integer,
  Delimiter: optional(text),
  EncodingType: optional(text),
  IsTruncated: boolean,
  ...listingMembers,
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html */
export const listObjects = operation({
  name: 'ListObjects',
  route: { method: 'GET', on: 'bucket' },
  action: 's3:ListBucket',
  lookUp: 'bucket',
  request: { ...listingInputs, marker: queryOr('marker', asText, '') },
  payload: noBody,
  status: 200,
  body: xml('ListBucketResult', result),
  async handle(call, input, signal) {
    const { engine, bucket } = call
    const { prefix, delimiter, marker, keysMax } = input
    const query = { bucketId: bucket.id, prefix, delimiter, after: marker, rowsMax: keysMax }
    const page = await engine.catalogue.listObjects(query, signal)
    const encode = encoder(input.encoding)
    // Without a delimiter, the last key listed is where to go on, and clients know it.
    const next = page.isTruncated && delimiter !== '' ? page.next : undefined
    return {
      output: {
        Name: bucket.name,
        Prefix: encode(prefix),
        Marker: encode(marker),
        NextMarker: next === undefined ? undefined : encode(next),
        MaxKeys: keysMax,
        Delimiter: delimiter === '' ? undefined : encode(delimiter),
        EncodingType: input.encoding,
        IsTruncated: page.isTruncated,
        ...listingValues(page, { encode, ownerAt: await findOwners(call, page.objects, signal) }),
      },
    }
  },
})
