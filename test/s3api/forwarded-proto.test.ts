import { createHash } from 'node:crypto'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { parseAddressList } from '../../src/base/address-list.ts'
import { isClientTls } from '../../src/s3api/access/peer.ts'
import { testAccount, testKey } from '../support/memory-engine.ts'
import { startS3 } from '../support/s3-server.ts'

const trusted = parseAddressList(['127.0.0.0/8', '10.0.0.0/8'])
const others = parseAddressList(['10.0.0.0/8'])

t.test('client’s TLS: X-Forwarded-Proto counts from trusted peers alone, and https only if all say so', async (t) => {
  const plain = { remoteAddress: '10.0.0.1' }
  const secure = { remoteAddress: '10.0.0.1', encrypted: true }
  const cases: [peer: { remoteAddress: string }, proto: string | undefined, isTls: boolean][] = [
    [plain, undefined, false],
    [plain, ' ', false],
    [plain, 'https', true],
    [{ remoteAddress: '::ffff:10.0.0.1' }, 'HTTPS', true],
    [plain, 'http', false],
    [plain, 'https, https', true],
    [plain, 'https, http', false],
    [plain, 'http, https', false],
    [plain, 'https,', false],
    [plain, 'wss', false],
    [{ remoteAddress: '192.0.2.7' }, 'https', false],
    [secure, undefined, true],
    [secure, 'http', false],
    [{ ...secure, remoteAddress: '192.0.2.7' }, 'http', true],
  ]
  for (const [peer, proto, isTls] of cases)
    t.equal(isClientTls(peer, proto, trusted), isTls, `${proto} by ${JSON.stringify(peer)}`)
  t.notOk(isClientTls(plain, 'https', undefined), 'nobody is trusted')
  t.ok(isClientTls(secure, 'http', undefined), 'nobody is trusted')
})

const policy = JSON.stringify({
  Statement: [
    { Effect: 'Allow', Action: '*', Resource: '*' },
    { Effect: 'Deny', Action: '*', Resource: '*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
  ],
})
const onlySecure = testKey('onlysecure', testAccount('root'), policy)
const customerKey = Buffer.alloc(32, 7)
const SSE_C = 'x-amz-server-side-encryption-customer-'
const withCustomerKey = {
  'Content-Length': '0',
  [`${SSE_C}algorithm`]: 'AES256',
  [`${SSE_C}key`]: customerKey.toString('base64'),
  [`${SSE_C}key-MD5`]: createHash('md5').update(customerKey).digest('base64'),
}
const https = { 'X-Forwarded-Proto': 'https' }

async function start(trustedProxies: typeof trusted) {
  const settings = { trustedProxies, allowsCustomerKeysOverHttp: false }
  const s3 = await startS3({ settings, moreKeys: [onlySecure] })
  await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
  /** `added`: by a proxy, or by who would like to be one. */
  const ask = async (line: string, headers: Record<string, string>, added: object, by = s3.key, body = '') => {
    const [method, path] = line.split(' ') as [string, string]
    const connection = await s3.raw()
    const head = s3.head(method, path, headers, by)
    connection.send([...head, ...Object.entries(added).map((each) => each.join(': '))])
    if (body) connection.send(body)
    const answer = await connection.answer()
    return { status: answer.status, body: answer.body, etag: answer.headers.etag }
  }
  const completed = async (added: object) => {
    const begun = await ask('POST /bucket/large?uploads', { 'Content-Length': '0' }, {})
    const target = `/bucket/large?uploadId=${/<UploadId>(.*?)</.exec(begun.body)![1]}`
    const { etag } = await ask(
      `PUT ${target.replace('?', '?partNumber=1&')}`,
      { 'Content-Length': '1' },
      {},
      s3.key,
      'x',
    )
    const xml = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part></CompleteMultipartUpload>`
    const { body } = await ask(`POST ${target}`, { 'Content-Length': `${xml.length}` }, added, s3.key, xml)
    return /<Location>(.*?):/.exec(body)?.[1]
  }
  return { s3, ask, completed, [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose]() }
}

t.test('X-Forwarded-Proto of a trusted proxy: SSE-C, aws:SecureTransport and Location go by it', async (t) => {
  await using front = await start(trusted)
  t.match(await front.ask('PUT /bucket/key', withCustomerKey, https), { status: 200 })
  t.match(await front.ask('GET /bucket', {}, https, onlySecure), { status: 200 })
  t.equal(await front.completed(https), 'https')
  for (const added of [
    {},
    { 'X-Forwarded-Proto': 'http' },
    { Forwarded: 'proto=https' },
    { 'X-Forwarded-Ssl': 'on' },
  ]) {
    const said = JSON.stringify(added)
    t.match(
      await front.ask('PUT /bucket/key', withCustomerKey, added),
      { status: 400, body: /secure connection/ },
      said,
    )
    t.match(await front.ask('GET /bucket', {}, added, onlySecure), { status: 403, body: /AccessDenied/ }, said)
  }
  t.equal(await front.completed({}), 'http')
})

t.test('X-Forwarded-Proto of anybody else counts for nothing', async (t) => {
  for (const list of [others, undefined]) {
    await using front = await start(list)
    t.match(await front.ask('PUT /bucket/key', withCustomerKey, https), { status: 400, body: /secure connection/ })
    t.match(await front.ask('GET /bucket', {}, https, onlySecure), { status: 403, body: /AccessDenied/ })
    t.equal(await front.completed(https), 'http')
  }
})
