import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import t from 'tap'
import { presignPath, presignPathV2 } from '../support/sign.ts'
import { element, openSuite, refusedWire } from '../support/suite.ts'
import { exchange, type WireResponse } from '../support/wire.ts'

const { s3, bucket, send, target } = await openSuite(t)
const path = `/${bucket}/object`
await send({ method: 'PUT', path, body: 'presigned' })

async function call(
  method: string,
  at: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<WireResponse> {
  const all = { Host: target.endpoint.host, ...(body && { 'Content-Length': String(body.length) }), ...headers }
  return await exchange(target.endpoint, { method, path: at, headers: Object.entries(all), body: [Buffer.from(body)] })
}
const presigned = (method = 'GET', expires = '60', at = path) => presignPath(target, { method, path: at, expires })

t.test(
  'GetObject, HeadObject, PutObject, DeleteObject: presigned by the SDK: work without other credentials',
  async (t) => {
    const Key = 'sdk/ü +%.txt'
    const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket: bucket, Key }), { expiresIn: 60 })
    t.equal((await fetch(put, { method: 'PUT', body: 'by url' })).status, 200)
    const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key, ResponseContentType: 'text/x-url' }))
    const got = await fetch(get)
    t.same([got.status, got.headers.get('content-type'), await got.text()], [200, 'text/x-url', 'by url'])
    const head = await fetch(await getSignedUrl(s3, new HeadObjectCommand({ Bucket: bucket, Key })), { method: 'HEAD' })
    t.same([head.status, head.headers.get('content-length')], [200, '6'])
    const gone = await fetch(await getSignedUrl(s3, new DeleteObjectCommand({ Bucket: bucket, Key })), {
      method: 'DELETE',
    })
    t.equal(gone.status, 204)
    t.equal((await fetch(get)).status, 404)
  },
)

t.test('GetObject: presigned by aws4: works; for HEAD used as GET: 403', async (t) => {
  t.equal(String((await call('GET', presigned())).body), 'presigned')
  refusedWire(t, await call('GET', presigned('HEAD')), 403, 'SignatureDoesNotMatch')
})

t.test('GetObject: presigned with a range header that is not signed: the range', async (t) => {
  const answer = await call('GET', presigned(), { Range: 'bytes=0-2' })
  t.same([answer.status, String(answer.body)], [206, 'pre'])
})

t.test('GetObject: expired: 403 AccessDenied; not yet valid: 403', async (t) => {
  const hourAgo = presignPath(target, { method: 'GET', path, expires: '60', date: new Date(Date.now() - 3_600_000) })
  refusedWire(t, await call('GET', hourAgo), 403, 'AccessDenied')
  const inAnHour = presignPath(target, { method: 'GET', path, expires: '60', date: new Date(Date.now() + 3_600_000) })
  refusedWire(t, await call('GET', inAnHour), 403, /^(AccessDenied|RequestTimeTooSkewed)$/)
  const sixDaysAgo = presignPath(target, {
    method: 'GET',
    path,
    expires: '604800',
    date: new Date(Date.now() - 6 * 86_400_000),
  })
  t.equal((await call('GET', sixDaysAgo)).status, 200, 'a week is allowed')
})

t.test('GetObject: X-Amz-Expires 0, negative or beyond a week: 400 or 403; no number: 400 (quirk 23)', async (t) => {
  const codes = /^(AccessDenied|AuthorizationQueryParametersError)$/
  for (const expires of ['0', '-1', '604801', '99999999999999999999']) {
    const answer = await call('GET', presigned('GET', expires))
    t.match([answer.status, element(answer.body, 'Code')], [/^40[03]$/, codes], expires)
  }
  for (const expires of ['x', '1.5', '6 0'])
    refusedWire(t, await call('GET', presigned('GET', expires)), 400, codes, expires)
})

t.test(
  'GetObject: signature, expiry, path or an override changed after signing: 403 SignatureDoesNotMatch',
  async (t) => {
    const url = presignPath(target, {
      method: 'GET',
      path: `${path}?response-content-type=text%2Fplain`,
      expires: '60',
    })
    const changes: Record<string, string> = {
      signature: url.replace(/(X-Amz-Signature=)(.)/, (_, name, c) => `${name}${c === '0' ? '1' : '0'}`),
      expiry: url.replace('X-Amz-Expires=60', 'X-Amz-Expires=6000'),
      path: url.replace('/object', '/other'),
      override: url.replace('text%2Fplain', 'text%2Fhtml'),
      'an override added': `${presigned()}&response-content-disposition=attachment`,
    }
    for (const [what, changed] of Object.entries(changes))
      refusedWire(t, await call('GET', changed), 403, 'SignatureDoesNotMatch', what)
  },
)

t.test('GetObject: a parameter of the signature missing, or twice: refused', async (t) => {
  for (const name of [
    'X-Amz-Credential',
    'X-Amz-Date',
    'X-Amz-Expires',
    'X-Amz-SignedHeaders',
    'X-Amz-Signature',
    'X-Amz-Algorithm',
  ]) {
    const without = presigned()
      .replace(new RegExp(`([?&])${name}=[^&]*&?`), '$1')
      .replace(/[?&]$/, '')
    const answer = await call('GET', without)
    t.ok([400, 403].includes(answer.status), `without ${name}: ${answer.status}`)
    const value = new RegExp(`${name}=([^&]*)`).exec(presigned())![1]
    const twice = await call('GET', `${presigned()}&${name}=${value}x`)
    t.ok([400, 403].includes(twice.status), `${name} twice: ${twice.status}`)
  }
})

t.test('PutObject: presigned with signed headers: they must come as they were signed', async (t) => {
  const at = `/${bucket}/typed`
  const url = presignPath(target, {
    method: 'PUT',
    path: at,
    expires: '60',
    headers: { 'Content-Type': 'text/x-signed' },
  })
  refusedWire(t, await call('PUT', url, { 'Content-Type': 'text/html' }, 'x'), 403, 'SignatureDoesNotMatch')
  t.ok([400, 403].includes((await call('PUT', url, {}, 'x')).status), 'left out')
  t.equal((await call('PUT', url, { 'Content-Type': 'text/x-signed' }, 'x')).status, 200)
})

t.test('PutObject: x-amz- headers added to a presigned URL: 403, nothing stored (attack)', async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/secret`, body: 'another’s secret' })
  const added = {
    'x-amz-copy-source': `/${bucket}/secret`,
    'x-amz-meta-added': 'x',
    'x-amz-acl': 'public-read',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
  }
  for (const [name, value] of Object.entries(added)) {
    const at = `/${bucket}/added`
    const answer = await call('PUT', presigned('PUT', '60', at), { [name]: value, 'Content-Length': '0' })
    refusedWire(t, answer, 403, /^(AccessDenied|SignatureDoesNotMatch)$/, name)
    t.equal((await send({ method: 'HEAD', path: at })).status, 404)
  }
})

t.test('PutObject: presigned, Expect: 100-continue: one 100; expired: none (quirk 21)', async (t) => {
  const at = `/${bucket}/expect`
  const headers = [
    ['Host', target.endpoint.host],
    ['Content-Length', '4'],
    ['Expect', '100-continue'],
  ] as const
  const good = {
    method: 'PUT',
    path: presigned('PUT', '60', at),
    headers,
    body: [Buffer.from('body')],
    awaitContinue: true,
  }
  const stored = await exchange(target.endpoint, good)
  t.same([stored.status, stored.interim], [200, [100]])
  const expired = presignPath(target, { method: 'PUT', path: at, expires: '1', date: new Date(Date.now() - 60_000) })
  const refusal = await exchange(target.endpoint, { ...good, path: expired })
  t.same([refusal.status, refusal.interim, refusal.bodySent], [403, [], false])
})

t.test('GetObject: presigned with a wrong region or a key that was never given: refused', async (t) => {
  const elsewhere = presignPath({ ...target, region: 'eu-central-9' }, { method: 'GET', path, expires: '60' })
  refusedWire(t, await call('GET', elsewhere), 400, 'AuthorizationQueryParametersError')
  const unknown = presignPath(target, {
    method: 'GET',
    path,
    expires: '60',
    credentials: { accessKeyId: 'AKIANONE', secretAccessKey: 'x' },
  })
  refusedWire(t, await call('GET', unknown), 403, 'InvalidAccessKeyId')
})

t.test('SigV2 in the query: expired, changed, or with an x-amz- header added: 403', async (t) => {
  const soon = Math.floor(Date.now() / 1000) + 60
  const good = presignPathV2(target, { method: 'GET', path, expires: soon })
  t.equal((await call('GET', good)).status, 200)
  const past = presignPathV2(target, { method: 'GET', path, expires: soon - 3600 })
  refusedWire(t, await call('GET', past), 403, 'AccessDenied')
  refusedWire(t, await call('GET', good.replace('/object', '/other')), 403, 'SignatureDoesNotMatch')
  refusedWire(
    t,
    await call('GET', good.replace(`Expires=${soon}`, `Expires=${soon + 9}`)),
    403,
    'SignatureDoesNotMatch',
  )
  refusedWire(t, await call('GET', `${good}&response-content-type=text%2Fhtml`), 403, 'SignatureDoesNotMatch')
  refusedWire(t, await call('GET', good.replace('Signature=', 'Signature=AA')), 403, 'SignatureDoesNotMatch')
  const put = presignPathV2(target, { method: 'PUT', path: `/${bucket}/v2-added`, expires: soon })
  const added = await call('PUT', put, { 'x-amz-copy-source': path, 'Content-Length': '0' })
  refusedWire(t, added, 403, /^(AccessDenied|SignatureDoesNotMatch)$/)
  t.equal((await send({ method: 'HEAD', path: `/${bucket}/v2-added` })).status, 404)
})

t.test('GetObject: an anonymous URL that only looks presigned: refused', async (t) => {
  const answer = await call('GET', `${path}?X-Amz-Expires=60&X-Amz-Date=20300101T000000Z`)
  t.ok([400, 403].includes(answer.status), `${answer.status}`)
})
