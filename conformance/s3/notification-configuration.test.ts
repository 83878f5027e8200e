import {
  type Event,
  GetBucketNotificationConfigurationCommand,
  type NotificationConfiguration,
  PutBucketNotificationConfigurationCommand,
  type QueueConfiguration,
} from '@aws-sdk/client-s3'
import t from 'tap'
import { element, openSuite, refused, refusedWire } from '../support/suite.ts'

/** The store has to have a webhook `somewhere`. */
const suite = await openSuite(t)
const { s3, bucket: Bucket, send } = suite
const arn = (service: string, name = 'somewhere') => `arn:sextant:${service}::${name}:webhook`
const put = (NotificationConfiguration: NotificationConfiguration, SkipDestinationValidation?: boolean) =>
  s3.send(
    new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration, SkipDestinationValidation }),
  )
const queues = (...given: Partial<QueueConfiguration>[]) =>
  put({
    QueueConfigurations: given.map((one, n) => ({
      Id: `${n}`,
      QueueArn: arn('sqs'),
      Events: ['s3:ObjectCreated:*'],
      ...one,
    })),
  })
const get = async () => {
  const { $metadata, ...configuration } = await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))
  return configuration
}
const filter = (...rules: [Name: string, Value: string][]) => ({
  Filter: { Key: { FilterRules: rules.map(([Name, Value]) => ({ Name: Name as 'prefix', Value })) } },
})

t.test('GetBucketNotificationConfiguration: never put: 200, an empty configuration', async (t) => {
  const answer = await send({ method: 'GET', path: `/${Bucket}?notification` })
  t.equal(answer.status, 200)
  t.match(
    String(answer.body),
    /<NotificationConfiguration xmlns="http:\/\/s3.amazonaws.com\/doc\/2006-03-01\/"(\/>|><\/)/,
  )
})

t.test('PutBucketNotificationConfiguration: of every kind, with filters: given back as it was put', async (t) => {
  const given = {
    TopicConfigurations: [
      { Id: 'topic', TopicArn: arn('sns'), Events: ['s3:ObjectRemoved:DeleteMarkerCreated' as Event] },
    ],
    QueueConfigurations: [
      {
        Id: 'queue & more',
        QueueArn: arn('sqs'),
        Events: ['s3:ObjectCreated:Put', 's3:ObjectCreated:Post', 's3:ObjectTagging:*'] as Event[],
        ...filter(['Prefix', 'Ünter/ <a>'], ['Suffix', '.jpg']),
      },
    ],
    LambdaFunctionConfigurations: [
      {
        Id: 'function',
        LambdaFunctionArn: arn('lambda'),
        Events: ['s3:LifecycleExpiration:*' as Event],
        ...filter(['Suffix', '']),
      },
    ],
  }
  t.equal((await put(given)).$metadata.httpStatusCode, 200)
  t.match(await get(), given)
})

t.test('PutBucketNotificationConfiguration: again: replaces all; without an id: one is made', async (t) => {
  await queues({ Id: undefined })
  const { QueueConfigurations, TopicConfigurations } = await get()
  t.match(QueueConfigurations, [{ Id: /^.{1,255}$/, QueueArn: arn('sqs'), Events: ['s3:ObjectCreated:*'] }])
  t.equal(TopicConfigurations, undefined)
})

t.test('PutBucketNotificationConfiguration: an empty one: nothing is told any more', async (t) => {
  await queues({})
  await put({})
  t.same(await get(), {})
})

t.test('PutBucketNotificationConfiguration: a target that is not there: 400 InvalidArgument', async (t) => {
  const body = `<NotificationConfiguration><QueueConfiguration><Queue>${arn('sqs', 'nowhere')}</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>`
  const answer = await send({ method: 'PUT', path: `/${Bucket}?notification`, body })
  refusedWire(t, answer, 400, 'InvalidArgument')
  t.equal(element(answer.body, 'Message'), 'Unable to validate the following destination configurations')
  t.equal(element(answer.body, 'ArgumentValue'), arn('sqs', 'nowhere'))
  for (const QueueArn of [arn('sns'), 'arn:aws:sqs:us-east-1:123456789012:queue', 'nothing', '']) {
    await refused(t, queues({ QueueArn }), 400, 'InvalidArgument', `the target ${QueueArn}`)
  }
})

t.test('PutBucketNotificationConfiguration: against the rules: refused, and what was there stays', async (t) => {
  await queues({ Id: 'kept' })
  const invalid: [string, Partial<QueueConfiguration>[]][] = [
    ['no such event', [{ Events: ['s3:ObjectCreated:Nothing' as Event] }]],
    ['an event without s3:', [{ Events: ['ObjectCreated:*' as Event] }]],
    ['a filter by what there is not', [filter(['infix', 'a'])]],
    ['two prefixes', [filter(['prefix', 'a'], ['Prefix', 'b'])]],
    ['two suffixes', [filter(['suffix', 'a'], ['suffix', 'b'])]],
    ['a prefix of 1,025 bytes', [filter(['prefix', `${'ü'.repeat(512)}a`])]],
    ['an id of 256', [{ Id: 'i'.repeat(256) }]],
    [
      'an id twice',
      [
        { Id: 'i', ...filter(['prefix', 'a']) },
        { Id: 'i', ...filter(['prefix', 'b']) },
      ],
    ],
    ['the same events twice', [{}, {}]],
    ['an event and all of its kind', [{}, { Events: ['s3:ObjectCreated:Copy'] }]],
    ['a prefix within another', [filter(['prefix', 'a/']), filter(['prefix', 'a/b'])]],
    ['a suffix within another, under the same prefix', [filter(['suffix', '.jpg']), filter(['suffix', 'jpg'])]],
    ['a prefix, and a suffix: keys may have both', [filter(['prefix', 'a']), filter(['suffix', 'b'])]],
    ['101 configurations', Array.from({ length: 101 }, (_, n) => filter(['prefix', `${n + 1000}`]))],
  ]
  for (const [what, given] of invalid) await refused(t, queues(...given), 400, 'InvalidArgument', what)
  await refused(t, queues({ Events: ['s3:ObjectRestore:*'] }), 501, 'NotImplemented', 'an event that never happens')
  await refused(t, put({}, true), 501, 'NotImplemented', 'targets that are not to be validated')
  await refused(t, put({ EventBridgeConfiguration: {} }), 501, 'NotImplemented', 'EventBridge')
  for (const inner of [
    '<QueueConfiguration/>',
    `<QueueConfiguration><Queue>${arn('sqs')}</Queue></QueueConfiguration>`,
  ]) {
    const body = `<NotificationConfiguration>${inner}</NotificationConfiguration>`
    const answer = await send({ method: 'PUT', path: `/${Bucket}?notification`, body })
    refusedWire(t, answer, 400, 'MalformedXML', inner)
  }
  t.match(await get(), { QueueConfigurations: [{ Id: 'kept' }] })
})

t.test('PutBucketNotificationConfiguration: what does not meet is taken; letters’ case counts', async (t) => {
  await queues(
    filter(['prefix', 'a/'], ['suffix', '.jpg']),
    filter(['prefix', 'A/'], ['suffix', '.jpg']),
    filter(['prefix', 'a/'], ['suffix', '.JPG']),
    { Events: ['s3:ObjectRemoved:*'] },
    { Events: ['s3:ObjectTagging:Put'] },
    { Events: ['s3:ObjectTagging:Delete'] },
  )
  t.equal((await get()).QueueConfigurations?.length, 6)
})

t.test('Get- and PutBucketNotificationConfiguration: of another account: 403', async (t) => {
  const other = suite.otherClient()
  await refused(t, other.send(new GetBucketNotificationConfigurationCommand({ Bucket })), 403, 'AccessDenied')
  const change = new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration: {} })
  await refused(t, other.send(change), 403, 'AccessDenied')
})
