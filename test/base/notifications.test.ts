import t from 'tap'
import { channelSet, webhookMap } from '../../src/base/notifications/configured-targets.ts'
import { parseTarget } from '../../src/base/notifications/targets.ts'

t.test('webhooks: URLs alone, and with a secret', async (t) => {
  const parsed = webhookMap.parse('{"a": "http://h/x", "b-2_": {"url": "https://h", "secret": "s"}}')
  t.same(
    [...parsed!],
    [
      ['a', { url: 'http://h/x' }],
      ['b-2_', { url: 'https://h', secret: 's' }],
    ],
  )
  t.equal(webhookMap.parse('{}')?.size, 0)
})

t.test('webhooks: what is none is refused as a whole', async (t) => {
  const wrong = [
    ...[
      '',
      'a=http://h',
      '[]',
      'null',
      '{"a": 1}',
      '{"a": "ftp://h"}',
      '{"a": "h"}',
      '{"a b": "http://h"}',
      '{"": "http://h"}',
    ],
    ...['{"a": "http://u:p@h"}', '{"a": {"secret": "s"}}', '{"a": {"url": "http://h", "secret": ""}}'],
    ...['{"a": {"url": "http://h", "secert": "s"}}', `{"${'a'.repeat(64)}": "http://h"}`],
  ]
  for (const text of wrong) t.equal(webhookMap.parse(text), undefined, text)
})

t.test("channels: names of PostgreSQL's, but for the store's own", async (t) => {
  t.same([...channelSet.parse('a,_B9')!], ['a', '_B9'])
  for (const text of ['', 'a,', 'a b', '9a', "a'", 'sextant_cluster', 'a'.repeat(64)]) {
    t.equal(channelSet.parse(text), undefined, text)
  }
})

t.test('ARNs: one way to write each', async (t) => {
  t.same(parseTarget('arn:sextant:sqs::a-1:webhook'), { kind: 'Queue', name: 'a-1', type: 'webhook' })
  t.same(parseTarget('arn:sextant:lambda::c:postgres'), { kind: 'CloudFunction', name: 'c', type: 'postgres' })
  for (const arn of [
    '',
    'arn:aws:sqs::a:webhook',
    'arn:sextant:sqs:us-east-1:a:webhook',
    'arn:sextant:sqs::a:amqp',
    'arn:sextant:sqs:::webhook',
    ' arn:sextant:sqs::a:webhook',
  ]) {
    t.equal(parseTarget(arn), undefined, arn)
  }
})
