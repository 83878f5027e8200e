import * as sdk from '@aws-sdk/client-s3'
import t from 'tap'
import { element, openSuite, refusedWire, type Suite } from '../support/suite.ts'
import type { WireResponse } from '../support/wire.ts'

/** What S3 lets a bucket be told and the store does not carry out: an unconfigured bucket's answers, and no silent yes. */
const suite = await openSuite(t)
const { s3, bucket: Bucket, send } = suite
const at = (query: string): string => `/${Bucket}?${query}`
const ask = (method: string, query: string, body?: string): Promise<WireResponse> =>
  send({ method, path: at(query), ...(body !== undefined && { body }) })

const missing = {
  GetBucketWebsite: ['website', 'NoSuchWebsiteConfiguration'],
  GetBucketReplication: ['replication', 'ReplicationConfigurationNotFoundError'],
  GetBucketAnalyticsConfiguration: ['analytics&id=a', 'NoSuchConfiguration'],
  GetBucketInventoryConfiguration: ['inventory&id=a', 'NoSuchConfiguration'],
  GetBucketMetricsConfiguration: ['metrics&id=a', 'NoSuchConfiguration'],
  GetBucketIntelligentTieringConfiguration: ['intelligent-tiering&id=a', 'NoSuchConfiguration'],
  GetBucketMetadataConfiguration: ['metadataConfiguration', 'MetadataConfigurationNotFound'],
  GetBucketMetadataTableConfiguration: ['metadataTable', 'MetadataConfigurationNotFound'],
} as const
for (const [name, [query, code]] of Object.entries(missing)) {
  t.test(`${name}: 404 ${code}, with the bucket’s name`, async (t) => {
    const answer = await ask('GET', query)
    refusedWire(t, answer, 404, code)
    t.equal(element(answer.body, 'BucketName'), Bucket)
  })
}

const refused = {
  PutBucketWebsite: ['PUT', 'website', 'WebsiteConfiguration'],
  PutBucketReplication: ['PUT', 'replication', 'ReplicationConfiguration'],
  PutBucketAnalyticsConfiguration: ['PUT', 'analytics&id=a', 'AnalyticsConfiguration'],
  PutBucketInventoryConfiguration: ['PUT', 'inventory&id=a', 'InventoryConfiguration'],
  PutBucketMetricsConfiguration: ['PUT', 'metrics&id=a', 'MetricsConfiguration'],
  PutBucketIntelligentTieringConfiguration: ['PUT', 'intelligent-tiering&id=a', 'IntelligentTieringConfiguration'],
  CreateBucketMetadataConfiguration: ['POST', 'metadataConfiguration', 'MetadataConfiguration'],
  CreateBucketMetadataTableConfiguration: ['POST', 'metadataTable', 'MetadataTableConfiguration'],
  UpdateBucketMetadataInventoryTableConfiguration: ['PUT', 'metadataInventoryTable', 'InventoryTableConfiguration'],
  UpdateBucketMetadataJournalTableConfiguration: ['PUT', 'metadataJournalTable', 'JournalTableConfiguration'],
  UpdateBucketMetadataAnnotationTableConfiguration: ['PUT', 'metadataAnnotationTable', 'AnnotationTableConfiguration'],
} as const
for (const [name, [method, query, root]] of Object.entries(refused)) {
  t.test(`${name}: 501 NotImplemented`, async (t) => {
    refusedWire(t, await ask(method, query, `<${root}/>`), 501, 'NotImplemented')
  })
}

const removed = {
  DeleteBucketWebsite: 'website',
  DeleteBucketReplication: 'replication',
  DeleteBucketAnalyticsConfiguration: 'analytics&id=a',
  DeleteBucketInventoryConfiguration: 'inventory&id=a',
  DeleteBucketMetricsConfiguration: 'metrics&id=a',
  DeleteBucketIntelligentTieringConfiguration: 'intelligent-tiering&id=a',
  DeleteBucketMetadataConfiguration: 'metadataConfiguration',
  DeleteBucketMetadataTableConfiguration: 'metadataTable',
} as const
for (const [name, query] of Object.entries(removed)) {
  t.test(`${name}: 204, and the bucket is there`, async (t) => {
    t.equal((await ask('DELETE', query)).status, 204)
    t.equal((await send({ method: 'HEAD', path: `/${Bucket}` })).status, 200)
  })
}

t.test('GetBucketAccelerateConfiguration, GetBucketLogging: empty documents, by the SDK and on the wire', async (t) => {
  t.notOk((await s3.send(new sdk.GetBucketAccelerateConfigurationCommand({ Bucket }))).Status)
  t.notOk((await s3.send(new sdk.GetBucketLoggingCommand({ Bucket }))).LoggingEnabled)
  t.match(String((await ask('GET', 'accelerate')).body), /<AccelerateConfiguration xmlns="[^"]+"><\/Acc/)
  t.match(String((await ask('GET', 'logging')).body), /<BucketLoggingStatus xmlns="[^"]+"><\/Buc/)
})

t.test('GetBucketRequestPayment, GetBucketAbac: BucketOwner, Disabled', async (t) => {
  t.equal((await s3.send(new sdk.GetBucketRequestPaymentCommand({ Bucket }))).Payer, 'BucketOwner')
  t.equal((await s3.send(new sdk.GetBucketAbacCommand({ Bucket }))).AbacStatus?.Status, 'Disabled')
})

t.test(
  'ListBucketAnalyticsConfigurations, ListBucketInventoryConfigurations, ListBucketMetricsConfigurations, ListBucketIntelligentTieringConfigurations: empty, not truncated',
  async (t) => {
    const analytics = await s3.send(new sdk.ListBucketAnalyticsConfigurationsCommand({ Bucket }))
    t.same([analytics.IsTruncated, analytics.AnalyticsConfigurationList], [false, undefined])
    const inventory = await s3.send(new sdk.ListBucketInventoryConfigurationsCommand({ Bucket }))
    t.same([inventory.IsTruncated, inventory.InventoryConfigurationList], [false, undefined])
    const metrics = await s3.send(new sdk.ListBucketMetricsConfigurationsCommand({ Bucket }))
    t.same([metrics.IsTruncated, metrics.MetricsConfigurationList], [false, undefined])
    const tiering = await s3.send(new sdk.ListBucketIntelligentTieringConfigurationsCommand({ Bucket }))
    t.same([tiering.IsTruncated, tiering.IntelligentTieringConfigurationList], [false, undefined])
  },
)

const words = {
  PutBucketAccelerateConfiguration: ['accelerate', 'AccelerateConfiguration', 'Status', 'Suspended', 'Enabled'],
  PutBucketRequestPayment: ['requestPayment', 'RequestPaymentConfiguration', 'Payer', 'BucketOwner', 'Requester'],
  PutBucketAbac: ['abac', 'AbacStatus', 'Status', 'Disabled', 'Enabled'],
} as const
for (const [name, [query, root, member, asIs, other]] of Object.entries(words)) {
  t.test(`${name}: ${asIs}: 200; ${other}: 501; anything else: MalformedXML`, async (t) => {
    const put = (word: string) => ask('PUT', query, `<${root}><${member}>${word}</${member}></${root}>`)
    t.equal((await put(asIs)).status, 200)
    refusedWire(t, await put(other), 501, 'NotImplemented')
    refusedWire(t, await put('Else'), 400, 'MalformedXML')
    refusedWire(t, await ask('PUT', query, `<${root}/>`), 400, 'MalformedXML')
  })
}

t.test('PutBucketLogging: an empty status: 200; LoggingEnabled: 501', async (t) => {
  const put = (BucketLoggingStatus: sdk.BucketLoggingStatus) =>
    s3.send(new sdk.PutBucketLoggingCommand({ Bucket, BucketLoggingStatus }))
  t.equal((await put({})).$metadata.httpStatusCode, 200)
  const enabled = put({ LoggingEnabled: { TargetBucket: Bucket, TargetPrefix: 'log/' } })
  await t.rejects(enabled, { name: 'NotImplemented', $metadata: { httpStatusCode: 501 } })
})

t.test('every one of them: of a bucket that is not there 404, of another account’s 403', async (t) => {
  const gone = suite.newBucketName()
  for (const [method, query] of everyOne()) {
    refusedWire(t, await send({ method, path: `/${gone}?${query}` }), 404, 'NoSuchBucket', `${method} ${query}`)
    const foreign = await send({ method, path: at(query), credentials: suite.other() } as Parameters<Suite['send']>[0])
    refusedWire(t, foreign, 403, 'AccessDenied', `${method} ${query}`)
  }
})

function* everyOne(): Generator<[method: string, query: string]> {
  for (const [query] of Object.values(missing)) yield ['GET', query]
  for (const [method, query] of Object.values(refused)) yield [method, query]
  for (const query of Object.values(removed)) yield ['DELETE', query]
  for (const [query] of Object.values(words))
    yield* [
      ['GET', query],
      ['PUT', query],
    ] as [string, string][]
  yield* [
    ['GET', 'logging'],
    ['PUT', 'logging'],
    ['GET', 'analytics'],
    ['GET', 'inventory'],
    ['GET', 'metrics'],
    ['GET', 'intelligent-tiering'],
  ] as [string, string][]
}
