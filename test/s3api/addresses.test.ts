import { CreateBucketCommand } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { parseAddressList } from '../../src/base/address-list.ts'
import { clientAddress } from '../../src/s3api/access/peer.ts'
import { testAccount, testKey } from '../support/memory-engine.ts'
import { startS3 } from '../support/s3-server.ts'

const list = (...texts: string[]) => parseAddressList(texts)
const trusted = list('127.0.0.1', '10.0.0.0/8', '2001:db8:1::/48')

t.test('client’s address: X-Forwarded-For counts from trusted peers alone, and from the right', async (t) => {
  const cases: [peer: string, forwardedFor: string | undefined, address: string | undefined][] = [
    ['198.51.100.1', '192.0.2.7', '198.51.100.1'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', ' ', '10.0.0.1'],
    ['10.0.0.1', '192.0.2.7', '192.0.2.7'],
    ['::ffff:10.0.0.1', '192.0.2.7', '192.0.2.7'],
    ['10.0.0.1', '203.0.113.1, 192.0.2.7', '192.0.2.7'],
    ['10.0.0.1', '203.0.113.1, 192.0.2.7, 10.0.0.2', '192.0.2.7'],
    ['10.0.0.1', '10.0.0.3,10.0.0.2', '10.0.0.3'],
    ['2001:db8:1::5', '2001:db8:2::7', '2001:db8:2::7'],
    ['10.0.0.1', '::ffff:192.0.2.7', '192.0.2.7'],
    ['10.0.0.1', '192.0.2.7:1234', '192.0.2.7'],
    ['10.0.0.1', '[2001:db8:2::7]:1234', '2001:db8:2::7'],
    ['10.0.0.1', '192.0.2.7, unknown', undefined],
    ['10.0.0.1', '192.0.2.7,', undefined],
  ]
  for (const [remoteAddress, forwardedFor, address] of cases)
    t.equal(clientAddress({ remoteAddress }, forwardedFor, trusted), address, `${forwardedFor} by ${remoteAddress}`)
  t.equal(clientAddress({ remoteAddress: '10.0.0.1' }, '192.0.2.7', undefined), '10.0.0.1', 'nobody is trusted')
})

const policy = JSON.stringify({
  Statement: [
    { Effect: 'Allow', Action: '*', Resource: '*' },
    { Effect: 'Deny', Action: '*', Resource: '*', Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } },
  ],
})
const bounded = { ...testKey('bounded', testAccount('root')), allowedFrom: list('192.0.2.0/24') }
const conditioned = testKey('conditioned', testAccount('root'), policy)

async function start(settings: Parameters<typeof startS3>[0]) {
  const s3 = await startS3({ ...settings, moreKeys: [bounded, conditioned] })
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' })).catch(() => {})
  const ask = async (by = s3.key, headers: Record<string, string> = {}) => {
    const connection = await s3.raw()
    connection.send([...s3.head('GET', '/bucket', {}, by), ...Object.entries(headers).map((line) => line.join(': '))])
    const { status, body } = await connection.answer()
    return { status, code: /<Code>(.*?)</.exec(body)?.[1] }
  }
  return { s3, ask, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() }
}

const denied = { status: 403, code: 'AccessDenied' }

async function isFrom(
  t: Test,
  { ask, s3 }: Awaited<ReturnType<typeof start>>,
  headers: Record<string, string>,
  isInside: boolean,
) {
  for (const [name, key] of Object.entries({ 'its list': bounded, 'its policy': conditioned }))
    t.match(await ask(key, headers), isInside ? { status: 200 } : denied, `a key bounded by ${name}`)
  t.match(await ask(s3.key, headers), { status: 200 }, 'a key that nothing bounds')
}

t.test(
  'allowed addresses of a key, aws:SourceIp: a header that an untrusted peer sends counts for nothing',
  async (t) => {
    await using front = await start({})
    await isFrom(t, front, {}, false)
    for (const name of ['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'X-Client-IP', 'True-Client-IP'])
      await isFrom(t, front, { [name]: name === 'Forwarded' ? 'for=192.0.2.7' : '192.0.2.7' }, false)
    t.equal(front.s3.logged.at(-1)?.fields.remote, '127.0.0.1')
  },
)

t.test(
  'allowed addresses of a key, aws:SourceIp: by X-Forwarded-For of a trusted peer; the log has it too',
  async (t) => {
    await using front = await start({ settings: { trustedProxies: list('127.0.0.0/8') } })
    await isFrom(t, front, {}, false)
    await isFrom(t, front, { 'X-Forwarded-For': '192.0.2.7' }, true)
    t.equal(front.s3.logged.at(-1)?.fields.remote, '192.0.2.7')
    await isFrom(t, front, { 'X-Forwarded-For': '192.0.2.7, 203.0.113.1' }, false)
    await isFrom(t, front, { 'X-Forwarded-For': '192.0.2.7, what' }, false)
    await isFrom(t, front, { Forwarded: 'for=192.0.2.7', 'X-Real-IP': '192.0.2.7' }, false)
  },
)

t.test('allowed addresses of the gateway: all others are refused before they are asked who they are', async (t) => {
  const settings = { trustedProxies: list('127.0.0.1'), allowedAddresses: list('192.0.2.0/24', '127.0.0.1') }
  await using front = await start({ settings })
  t.match(await front.ask(), { status: 200 })
  t.match(await front.ask(front.s3.key, { 'X-Forwarded-For': '192.0.2.7' }), { status: 200 })
  t.match(await front.ask(front.s3.key, { 'X-Forwarded-For': '198.51.100.1' }), denied)
  t.match(await front.ask(testKey('nobody'), { 'X-Forwarded-For': '198.51.100.1' }), denied, 'not InvalidAccessKeyId')
  const other = { headers: { 'X-Forwarded-For': '198.51.100.1' } }
  t.equal((await fetch(`${front.s3.endpoint}/health`, other)).status, 200, 'but for health checks')
  const preflight = { 'Access-Control-Request-Method': 'GET', Origin: 'https://a.example', ...other.headers }
  t.equal((await fetch(`${front.s3.endpoint}/bucket`, { method: 'OPTIONS', headers: preflight })).status, 403)
})
