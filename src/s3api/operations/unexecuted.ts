import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import type { S3Action } from '../actions.ts'
import { asText, queryOr } from '../fields.ts'
import { type Method, noBody, type Operation, operation, xml, xmlPayload } from '../operation.ts'
import { boolean, text } from '../xml/kinds.ts'
import { optional, structure } from '../xml/shape.ts'
import { malformed } from '../xml/xml-scanner.ts'

/** What S3 calls an operation, the sub-resource that selects it, and what its caller needs leave for. */
type Row = readonly [name: string, subresource: string, action: S3Action]

const NEVER_TOLD = 'answered as by a bucket that was never configured'

/**
 * What S3 lets a bucket be told and this store does not carry out. Reading is answered as by a bucket that was never told;
 * writing is refused, unless it asks for just that; taking away leaves things as they are. Nothing is accepted that is not
 * done.
 */
export const unexecuted: readonly Operation[] = [
  plain(['GetBucketAccelerateConfiguration', 'accelerate', 's3:GetAccelerateConfiguration'], 'AccelerateConfiguration'),
  word(['PutBucketAccelerateConfiguration', 'accelerate', 's3:PutAccelerateConfiguration'], {
    root: 'AccelerateConfiguration',
    member: 'Status',
    asIs: 'Suspended',
    other: 'Enabled',
  }),
  plain(['GetBucketRequestPayment', 'requestPayment', 's3:GetBucketRequestPayment'], 'RequestPaymentConfiguration', {
    Payer: 'BucketOwner',
  }),
  word(['PutBucketRequestPayment', 'requestPayment', 's3:PutBucketRequestPayment'], {
    root: 'RequestPaymentConfiguration',
    member: 'Payer',
    asIs: 'BucketOwner',
    other: 'Requester',
  }),
  plain(['GetBucketAbac', 'abac', 's3:GetBucketAbac'], 'AbacStatus', { Status: 'Disabled' }),
  word(['PutBucketAbac', 'abac', 's3:PutBucketAbac'], {
    root: 'AbacStatus',
    member: 'Status',
    asIs: 'Disabled',
    other: 'Enabled',
  }),
  plain(['GetBucketLogging', 'logging', 's3:GetBucketLogging'], 'BucketLoggingStatus'),
  noLogging(['PutBucketLogging', 'logging', 's3:PutBucketLogging']),
  missing(['GetBucketWebsite', 'website', 's3:GetBucketWebsite'], 'NoSuchWebsiteConfiguration'),
  refused(['PutBucketWebsite', 'website', 's3:PutBucketWebsite']),
  removed(['DeleteBucketWebsite', 'website', 's3:DeleteBucketWebsite']),
  missing(
    ['GetBucketReplication', 'replication', 's3:GetReplicationConfiguration'],
    'ReplicationConfigurationNotFoundError',
  ),
  refused(['PutBucketReplication', 'replication', 's3:PutReplicationConfiguration']),
  removed(['DeleteBucketReplication', 'replication', 's3:PutReplicationConfiguration']),
  ...many('Analytics', 'analytics', 'ListBucketAnalyticsConfigurationResult'),
  ...many('Inventory', 'inventory', 'ListInventoryConfigurationsResult'),
  ...many('Metrics', 'metrics', 'ListMetricsConfigurationsResult'),
  ...many('IntelligentTiering', 'intelligent-tiering', 'ListBucketIntelligentTieringConfigurationsOutput'),
  ...metadata('BucketMetadataConfiguration', 'metadataConfiguration'),
  ...metadata('BucketMetadataTableConfiguration', 'metadataTable'),
  ...(['Inventory', 'Journal', 'Annotation'] as const).map((table) => {
    const stem = `UpdateBucketMetadata${table}TableConfiguration` as const
    return refused([stem, `metadata${table}Table`, `s3:${stem}`])
  }),
]

/** Configurations of which a bucket may have many, each under an id. */
function many(
  kind: 'Analytics' | 'Inventory' | 'Metrics' | 'IntelligentTiering',
  subresource: string,
  listRoot: string,
): Operation[] {
  const name = `Bucket${kind}Configuration`
  const get: S3Action = `s3:Get${kind}Configuration`
  const put: S3Action = `s3:Put${kind}Configuration`
  return [
    missing([`Get${name}`, subresource, get], 'NoSuchConfiguration', ['id']),
    refused([`Put${name}`, subresource, put], { selectors: ['id'] }),
    removed([`Delete${name}`, subresource, put], ['id']),
    emptyList([`List${name}s`, subresource, get], listRoot),
  ]
}

function metadata(name: string, subresource: string): Operation[] {
  return [
    missing([`Get${name}`, subresource, 's3:GetBucketMetadataTableConfiguration'], 'MetadataConfigurationNotFound'),
    refused([`Create${name}`, subresource, 's3:CreateBucketMetadataTableConfiguration'], { method: 'POST' }),
    removed([`Delete${name}`, subresource, 's3:DeleteBucketMetadataTableConfiguration']),
  ]
}

/** An answer that is the same for every bucket. */
function plain(row: Row, root: string, value: Readonly<Record<string, string>> = {}): Operation {
  const shape = structure(Object.fromEntries(Object.keys(value).map((member) => [member, text])))
  return operation({
    ...selected('GET', row),
    request: {},
    payload: noBody,
    status: 200,
    body: xml(root, shape),
    note: NEVER_TOLD,
    handle: async () => ({ output: value }),
  })
}

function missing(
  row: Row,
  code:
    | 'MetadataConfigurationNotFound'
    | 'NoSuchConfiguration'
    | 'NoSuchWebsiteConfiguration'
    | 'ReplicationConfigurationNotFoundError',
  selectors: readonly string[] = [],
): Operation {
  return operation({
    ...selected('GET', row, selectors),
    request: {},
    payload: noBody,
    status: 200,
    note: NEVER_TOLD,
    async handle({ bucket }) {
      throw new StoreFault(code, { bucket: bucket.name })
    },
  })
}

function emptyList(row: Row, root: string): Operation {
  return operation({
    ...selected('GET', row),
    request: { token: queryOr('continuation-token', asText, undefined) },
    payload: noBody,
    status: 200,
    body: xml(root, structure({ IsTruncated: boolean, ContinuationToken: optional(text) })),
    note: NEVER_TOLD,
    handle: async (_call, { token }) => ({ output: { IsTruncated: false, ContinuationToken: token } }),
  })
}

function removed(row: Row, selectors: readonly string[] = []): Operation {
  return operation({
    ...selected('DELETE', row, selectors),
    request: {},
    payload: noBody,
    status: 204,
    note: NEVER_TOLD,
    handle: async () => ({}),
  })
}

function refused(
  row: Row,
  { method = 'PUT', selectors = [] }: { method?: Method; selectors?: readonly string[] } = {},
): Operation {
  return operation({
    ...selected(method, row, selectors),
    request: {},
    payload: noBody,
    status: 200,
    note: 'refused with NotImplemented',
    async handle() {
      throw notExecuted(row)
    },
  })
}

/** A configuration of one word, of two that there are. Faults: NotImplemented (`other`), MalformedXML. */
function word(
  row: Row,
  { root, member, asIs, other }: { root: string; member: string; asIs: string; other: string },
): Operation {
  return operation({
    ...selected('PUT', row),
    request: {},
    payload: xmlPayload(root, structure({ [member]: text }), { sizeBytesMax: limits.xmlBytesMax }),
    status: 200,
    note: `${asIs} only; ${other} is refused with NotImplemented`,
    async handle({ document }) {
      const given = document[member]
      if (given === other) throw notExecuted(row)
      if (given !== asIs) throw malformed(`${member} is neither ${asIs} nor ${other}`)
      return {}
    },
  })
}

function noLogging(row: Row): Operation {
  const status = structure({ LoggingEnabled: optional(structure({})) })
  return operation({
    ...selected('PUT', row),
    request: {},
    payload: xmlPayload('BucketLoggingStatus', status, { sizeBytesMax: limits.xmlBytesMax }),
    status: 200,
    note: 'an empty status only; LoggingEnabled is refused with NotImplemented',
    async handle({ document }) {
      if (document.LoggingEnabled) throw notExecuted(row)
      return {}
    },
  })
}

function selected(method: Method, [name, subresource, action]: Row, selectors: readonly string[] = []) {
  const route = { method, on: 'bucket', query: [subresource, ...selectors] } as const
  return { name, action, route, lookUp: 'bucket' } as const
}

function notExecuted([name]: Row): StoreFault {
  return new StoreFault('NotImplemented', { feature: name })
}
