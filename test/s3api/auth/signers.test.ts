import { createHash, createHmac } from 'node:crypto'
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import t from 'tap'
import { parseTarget } from '../../../src/s3api/names/target.ts'
import { ask, depsAt, EXAMPLE_TIME, key, request, signByAws4, withHeaders } from './fixtures.ts'
import { captureSdk } from './sdk-capture.ts'

const KEYS = [
  'a b',
  'a+b',
  'a*b~c-d_e.f',
  '!\'()$&@=;:,?#[]|\\^`{}<>"%',
  'ünïcødé/日本語/😀',
  'a//b',
  '/leading',
  './x/../y/.',
  '..',
  'trailing/',
  '100%25',
  '%',
]

class NodeSha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Buffer)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}

t.test('the official SDK over real HTTP: every odd key verifies, and is the key that it meant', async (t) => {
  await using sdk = await captureSdk()
  const now = depsAt(Date.now())
  for (const Key of KEYS) {
    await sdk.client.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'x', Metadata: { a: 'b  c' } }))
    await sdk.client.send(new HeadObjectCommand({ Bucket: 'bucket', Key }))
    await sdk.client.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix: Key, Delimiter: '/' })).catch(() => {})
    const [put, head, list] = sdk.captured.splice(0)
    for (const one of [put, head, list]) {
      t.match(await ask(one!.request, now), { kind: 'account', via: 'header' }, Key)
    }
    const named = (one: typeof put) => parseTarget({ target: one!.request.target, host: '127.0.0.1', domains: [] })
    t.match(named(put), { bucket: 'bucket', key: Key })
    t.equal(named(list).query.get('prefix'), Key)
  }
})

t.test('the official presigner: accepted as made, by real HTTP; refused with one header more', async (t) => {
  await using sdk = await captureSdk()
  const now = depsAt(Date.now())
  for (const Key of KEYS) {
    const get = await getSignedUrl(
      sdk.client,
      new GetObjectCommand({ Bucket: 'bucket', Key, ResponseExpires: new Date(0) }),
    )
    const put = await getSignedUrl(sdk.client, new PutObjectCommand({ Bucket: 'bucket', Key, Metadata: { a: 'b' } }))
    // Not fetch: it would resolve `..` away.
    const sent = [
      request('GET', get.slice(sdk.endpoint.length), { Host: new URL(get).host }),
      request('PUT', put.slice(sdk.endpoint.length), { Host: new URL(put).host }),
    ]
    for (const one of sent) {
      t.match(await ask(one, now), { kind: 'account', via: 'query', payload: { kind: 'unsigned' } }, Key)
      await t.rejects(ask(withHeaders(one, { 'x-amz-copy-source': 'other/secret' }), now), {
        code: 'AccessDenied',
        detail: { headersNotSigned: 'x-amz-copy-source' },
      })
    }
  }
})

t.test("aws4 and Smithy's signer: any method, key, query, header and region verify", async () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
  const value = fc.stringMatching(/^[!-~][ -~]{0,20}$/)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 8 }), { maxKeys: 4 }),
      fc.dictionary(name, value, { maxKeys: 4 }),
      fc.constantFrom('us-east-1', 'eu-west-1'),
      async (method, objectKey, query, meta, region) => {
        const deps = depsAt(EXAMPLE_TIME, { region })
        const coded = (text: string) =>
          encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
        const path = `/bucket/${objectKey.split('/').map(coded).join('/')}`
        const pairs = Object.entries(query).map(([k, v]) => `${coded(k)}=${coded(v)}`)
        const target = pairs.length === 0 ? path : `${path}?${pairs.join('&')}`
        const headers = Object.fromEntries(Object.entries(meta).map(([k, v]) => [`x-amz-meta-${k}`, v]))

        await ask(signByAws4({ method, path: target, headers, region }), deps)
        await ask(signByAws4({ method, path: target, headers, region, signQuery: true }), deps)

        const signer = new SignatureV4({
          service: 's3',
          region,
          credentials: key,
          sha256: NodeSha256,
          uriEscapePath: false,
        })
        const signed = await signer.sign(
          { method, protocol: 'http:', hostname: 'localhost', path, query, headers: { host: 'localhost', ...headers } },
          { signingDate: new Date(EXAMPLE_TIME) },
        )
        await ask(request(method, target, signed.headers), deps)
      },
    ),
    { numRuns: 300 },
  )
})

t.test('a path that is escaped otherwise than it was signed verifies as the same key', async (t) => {
  const signed = signByAws4({ path: '/bucket/a(b)~%C3%BC%20x' })
  t.match(signed.target, '(b)~')
  for (const spelling of [
    '/bucket/a%28b%29%7e%c3%bc%20x',
    '/%62ucket/a(b)~\xc3\xbc%20x',
    '/bucket%2Fa%28b)~%C3%BC%20x',
  ]) {
    await t.resolves(ask({ ...signed, target: spelling }), spelling)
  }
  await t.rejects(ask({ ...signed, target: '/bucket/a(b)~%C3%BC+x' }), { code: 'SignatureDoesNotMatch' })
  await t.rejects(ask({ ...signed, target: '/bucket/./a(b)~%C3%BC%20x' }), { code: 'SignatureDoesNotMatch' })
})

t.test('parameters that come twice are signed in the order of their values', async (t) => {
  const signer = new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: key,
    sha256: NodeSha256,
    uriEscapePath: false,
  })
  const query = { b: ['2', '10', '1'], a: 'x' }
  const signed = await signer.sign(
    { method: 'GET', protocol: 'http:', hostname: 'localhost', path: '/bucket', query, headers: { host: 'localhost' } },
    { signingDate: new Date(EXAMPLE_TIME) },
  )
  for (const target of ['/bucket?b=2&b=10&b=1&a=x', '/bucket?a=x&b=1&b=10&b=2']) {
    t.equal((await ask(request('GET', target, signed.headers))).kind, 'account')
  }
})
