import { limits } from '../../base/limits.ts'
import type { Bucket } from '../../base/model.ts'
import { accountOf } from '../authorise.ts'
import { asText, integerIn, queryOr } from '../fields.ts'
import { continuationToken, makeToken } from '../listings/continuation-token.ts'
import { noBody, operation, xml } from '../operation.ts'
import { owner } from '../shapes.ts'
import { text, timestamp } from '../xml/kinds.ts'
import { listOf, optional, structure } from '../xml/shape.ts'

const result = structure({
  Owner: owner,
  Buckets: listOf('Bucket', structure({ Name: text, CreationDate: timestamp, BucketRegion: optional(text) })),
  Prefix: optional(text),
  ContinuationToken: optional(text),
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
export const listBuckets = operation({
  name: 'ListBuckets',
  route: { method: 'GET', on: 'service' },
  action: 's3:ListAllMyBuckets',
  lookUp: 'none',
  request: {
    bucketsMax: queryOr('max-buckets', integerIn(1, limits.bucketsPerAccountMax), limits.bucketsPerAccountMax),
    token: queryOr('continuation-token', continuationToken, undefined),
    prefix: queryOr('prefix', asText, undefined),
    region: queryOr('bucket-region', asText, undefined),
  },
  payload: noBody,
  status: 200,
  body: xml('ListAllMyBucketsResult', result),
  async handle({ engine, identity, head, settings }, input, signal) {
    const account = accountOf(identity)
    const { bucketsMax, prefix = '' } = input
    const isElsewhere = input.region !== undefined && input.region !== settings.region
    const query = { ownerId: account.id, prefix, after: input.token?.after ?? '', rowsMax: bucketsMax + 1 }
    const rows = isElsewhere ? [] : await engine.catalogue.listBuckets(query, signal)
    const page = rows.slice(0, bucketsMax)
    // S3 tells the region only to those who ask for something.
    const showsRegion = ['max-buckets', 'continuation-token', 'prefix', 'bucket-region'].some((p) => head.query.has(p))
    const toBucket = ({ name, createdAt, region }: Bucket) => ({
      Name: name as string,
      CreationDate: createdAt,
      BucketRegion: showsRegion ? region : undefined,
    })
    return {
      output: {
        Owner: { ID: account.id as string, DisplayName: account.displayName },
        Buckets: page.map(toBucket),
        Prefix: input.prefix,
        ContinuationToken: rows.length > page.length ? makeToken(page.at(-1)!.name) : undefined,
      },
    }
  },
})
