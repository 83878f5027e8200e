import t from 'tap'
import { ask, depsAt, EMPTY_SHA256, EXAMPLE_TIME, key, request, signByAws4, withHeaders } from './fixtures.ts'

interface Fault {
  code: string
  detail?: object
}
const SIGNED = 'AWS4-HMAC-SHA256 Credential='
const auth = (sent: { rawHeaders: readonly string[] }) =>
  sent.rawHeaders[sent.rawHeaders.indexOf('Authorization') + 1] as string

t.test('anonymous: only where nothing is signed; its payload mode is a form of the body, no authority', async (t) => {
  t.same(await ask(request('GET', '/b/k', { Host: 'h' })), { kind: 'anonymous', payload: { kind: 'unsigned' } })
  t.same(await ask(request('PUT', '/b/k', { Host: 'h', 'x-amz-content-sha256': EMPTY_SHA256.toUpperCase() })), {
    kind: 'anonymous',
    payload: { kind: 'signed', sha256: EMPTY_SHA256 },
  })
  const trailer = { Host: 'h', 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
  t.same(await ask(request('PUT', '/b/k', trailer)), {
    kind: 'anonymous',
    payload: { kind: 'streaming', signed: undefined, hasTrailer: true },
  })
  for (const mode of ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER']) {
    await t.rejects(ask(request('PUT', '/b/k', { Host: 'h', 'x-amz-content-sha256': mode })), {
      code: 'InvalidRequest',
    })
  }
})

t.test(
  'attack: STREAMING-UNSIGNED-PAYLOAD-TRAILER with a bad, foreign or half signature does not get in',
  async (t) => {
    const sent = signByAws4({
      method: 'PUT',
      headers: {
        'X-Amz-Content-Sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        'X-Amz-Decoded-Content-Length': '5',
        'X-Amz-Trailer': 'x-amz-checksum-crc32',
      },
    })
    t.match(await ask(sent), { kind: 'account', payload: { kind: 'streaming', signed: undefined, hasTrailer: true } })
    const good = auth(sent)
    const bad: [string, Fault][] = [
      [good.replace(/.$/, (c) => (c === '0' ? '1' : '0')), { code: 'SignatureDoesNotMatch' }],
      [good.replace(/Signature=.*/, 'Signature='), { code: 'AuthorizationHeaderMalformed' }],
      [good.replace(/, Signature=.*/, ''), { code: 'AuthorizationHeaderMalformed' }],
      [good.replace(/Signature=.*/, `Signature=${'0'.repeat(64)}`), { code: 'SignatureDoesNotMatch' }],
      [good.replace(/Signature=.*/, 'Signature=Z'), { code: 'SignatureDoesNotMatch' }],
      [good.replace('AKIAIOSFODNN7EXAMPLE', 'AKIANOBODY'), { code: 'InvalidAccessKeyId' }],
      ['', { code: 'InvalidArgument' }],
    ]
    for (const [authorization, fault] of bad) {
      await t.rejects(ask(withHeaders(sent, { authorization })), fault, authorization)
    }
    // Without the header it is anybody's request, and anybody's rights.
    t.equal((await ask(withHeaders(sent, { authorization: undefined }))).kind, 'anonymous')
  },
)

t.test('attack: x-amz-* headers outside of the signature are refused, in header and URL', async (t) => {
  for (const sent of [signByAws4(), signByAws4({ signQuery: true })]) {
    t.equal((await ask(sent)).kind, 'account')
    for (const name of ['x-amz-copy-source', 'X-Amz-Acl', 'x-amz-meta-a', 'x-amz-server-side-encryption']) {
      await t.rejects(ask(withHeaders(sent, { [name]: 'bucket/key' })), {
        code: 'AccessDenied',
        detail: { headersNotSigned: name.toLowerCase() },
      })
    }
    t.equal((await ask(withHeaders(sent, { 'user-agent': 'x', 'x-forwarded-for': '1.2.3.4' }))).kind, 'account')
  }
  const withoutHost = auth(signByAws4()).replace('SignedHeaders=host;', 'SignedHeaders=')
  await t.rejects(ask(withHeaders(signByAws4(), { authorization: withoutHost })), {
    code: 'AccessDenied',
    detail: { headersNotSigned: 'host' },
  })
})

t.test('attack: a signed header that is changed, or taken away, is noticed', async (t) => {
  const sent = signByAws4({ headers: { 'x-amz-acl': 'private', 'x-amz-meta-empty': '' } })
  await t.resolves(ask(sent))
  await t.rejects(ask(withHeaders(sent, { 'x-amz-acl': 'public-read' })), { code: 'SignatureDoesNotMatch' })
  await t.rejects(ask(withHeaders(sent, { 'x-amz-acl': undefined })), { code: 'SignatureDoesNotMatch' })
  await t.rejects(ask(withHeaders(sent, { 'x-amz-meta-empty': undefined })), { code: 'SignatureDoesNotMatch' })
  await t.rejects(ask(withHeaders(sent, { host: 'elsewhere' })), { code: 'SignatureDoesNotMatch' })
})

t.test('attack: duplicates of what decides are refused', async (t) => {
  const sent = signByAws4()
  const once = 'Host Authorization X-Amz-Date x-amz-content-sha256 Date Content-Length Content-Type Content-MD5 Expires'
  for (const name of [...once.split(' '), 'If-Modified-Since', 'If-Unmodified-Since', 'X-Amz-Copy-Source']) {
    const twice = { ...sent, rawHeaders: [...sent.rawHeaders, name, 'a', name.toLowerCase(), 'b'] }
    await t.rejects(ask(twice), { code: 'InvalidArgument' }, name)
  }
  const presigned = signByAws4({ signQuery: true })
  for (const name of ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature']) {
    const twice = { ...presigned, target: `${presigned.target}&X-Amz-${name}=1` }
    await t.rejects(ask(twice), { code: 'InvalidArgument' }, name)
  }
})

t.test('attack: two mechanisms at once are refused', async (t) => {
  const sent = signByAws4()
  const presigned = signByAws4({ signQuery: true })
  await t.rejects(ask(withHeaders(presigned, { Authorization: auth(sent) })), { code: 'InvalidArgument' })
  await t.rejects(ask({ ...sent, target: `${sent.target}?Signature=x` }), { code: 'InvalidArgument' })
  await t.rejects(ask({ ...presigned, target: `${presigned.target}&AWSAccessKeyId=x` }), { code: 'InvalidArgument' })
})

t.test('a security token is refused: nobody could have checked it', async (t) => {
  const sent = signByAws4({ headers: { 'X-Amz-Security-Token': 'token' } })
  await t.rejects(ask(sent), { code: 'InvalidToken' })
  const presigned = signByAws4({ signQuery: true, path: '/b/k?x-Amz-Security-Token=token' })
  await t.rejects(ask(presigned), { code: 'InvalidToken' })
})

t.test('header form: what is missing or malformed has its own fault', async (t) => {
  const sent = signByAws4()
  const good = auth(sent)
  const faults: [Record<string, string | undefined>, Fault][] = [
    [{ 'x-amz-content-sha256': undefined }, { code: 'MissingSecurityHeader' }],
    [{ 'x-amz-date': undefined }, { code: 'AccessDenied' }],
    [{ 'x-amz-date': '20130532T000000Z' }, { code: 'AccessDenied' }],
    [{ authorization: 'Basic dXNlcjpwdw==' }, { code: 'InvalidArgument' }],
    [{ authorization: 'AWS4-ECDSA-P256-SHA256 Credential=x' }, { code: 'NotImplemented' }],
    [{ authorization: 'AWS4-HMAC-SHA256 ' }, { code: 'AuthorizationHeaderMalformed' }],
    [{ authorization: `${good}, Signature=1` }, { code: 'AuthorizationHeaderMalformed' }],
    [{ authorization: `${good}, Other=1` }, { code: 'AuthorizationHeaderMalformed' }],
    [
      { authorization: good.replace('SignedHeaders=host', 'SignedHeaders=Host') },
      { code: 'AuthorizationHeaderMalformed' },
    ],
    [
      { authorization: good.replace('SignedHeaders=host', 'SignedHeaders=host;host') },
      { code: 'AuthorizationHeaderMalformed' },
    ],
    [{ authorization: good.replace('/s3/', '/ec2/') }, { code: 'AuthorizationHeaderMalformed' }],
    [{ authorization: good.replace('aws4_request', 'aws5_request') }, { code: 'AuthorizationHeaderMalformed' }],
    [{ authorization: good.replace('20130524', '20130523') }, { code: 'AuthorizationHeaderMalformed' }],
    [{ authorization: good.replace('20130524', 'today') }, { code: 'AuthorizationHeaderMalformed' }],
    [
      { authorization: good.replace('us-east-1', 'eu-west-1') },
      { code: 'AuthorizationHeaderMalformed', detail: { region: 'us-east-1' } },
    ],
    [{ authorization: `${SIGNED}a/b` }, { code: 'AuthorizationHeaderMalformed' }],
    [{ authorization: good.replace('AKIAIOSFODNN7EXAMPLE', 'A\u00a0B') }, { code: 'InvalidAccessKeyId' }],
    [{ 'x-amz-meta-a': 'a\nb' }, { code: 'InvalidRequest' }],
    [{ 'x-amz-meta-a': 'Ł' }, { code: 'InvalidRequest' }],
  ]
  for (const [change, fault] of faults) await t.rejects(ask(withHeaders(sent, change)), fault, JSON.stringify(change))
  await t.rejects(ask({ ...sent, target: '/bucket/%zz' }), { code: 'InvalidURI' })
  await t.rejects(ask({ ...sent, target: '/bucket/key?a=%' }), { code: 'InvalidURI' })
  await t.rejects(ask({ ...sent, target: '/bucket/a b' }), { code: 'InvalidURI' })
})

t.test('x-amz-content-sha256: no known form is refused, though signed; SigV4A is not implemented', async (t) => {
  const modes: [string, string][] = [
    ['nonsense', 'InvalidArgument'],
    ['e3b0', 'InvalidArgument'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD', 'NotImplemented'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER', 'NotImplemented'],
  ]
  for (const [mode, code] of modes) {
    await t.rejects(ask(signByAws4({ headers: { 'X-Amz-Content-Sha256': mode } })), { code })
  }
})

t.test('header form: dated by Date alone, in any of its forms', async (t) => {
  for (const date of ['Fri, 24 May 2013 00:00:00 GMT', 'Friday, 24-May-13 00:00:00 GMT', 'Fri May 24 00:00:00 2013']) {
    const signed = signByAws4({ headers: { Date: date }, extraHeadersToIgnore: { 'x-amz-date': true } })
    await t.rejects(ask(signed), { code: 'AccessDenied' })
    t.equal((await ask(withHeaders(signed, { 'x-amz-date': undefined }))).kind, 'account', date)
  }
})

t.test('header form: a clock 15 minutes off is the limit', async (t) => {
  const sent = signByAws4()
  for (const offMs of [-900_000, 900_000]) await t.resolves(ask(sent, depsAt(EXAMPLE_TIME + offMs)))
  for (const offMs of [-900_001, 900_001, 86_400_000]) {
    await t.rejects(ask(sent, depsAt(EXAMPLE_TIME + offMs)), { code: 'RequestTimeTooSkewed' })
  }
})

t.test('presigned: expiry is a number from 1 to 604,800, and kept', async (t) => {
  const expiring = (seconds: string) => signByAws4({ signQuery: true, path: `/b/k?X-Amz-Expires=${seconds}` })
  for (const seconds of [1, 604_800]) {
    await t.resolves(ask(expiring(String(seconds)), depsAt(EXAMPLE_TIME + seconds * 1000)))
    await t.rejects(ask(expiring(String(seconds)), depsAt(EXAMPLE_TIME + seconds * 1000 + 1)), {
      code: 'AccessDenied',
      detail: { reason: 'Request has expired' },
    })
  }
  for (const seconds of ['0', '-1', '604801', '99999999999999999999']) {
    await t.rejects(ask(expiring(seconds)), {
      code: 'AuthorizationQueryParametersError',
      detail: { isForbidden: true },
    })
  }
  for (const seconds of ['soon', '1.5', '1e3']) {
    await t.rejects(ask(expiring(seconds)), {
      code: 'AuthorizationQueryParametersError',
      detail: { isForbidden: undefined },
    })
  }
  await t.rejects(ask(expiring('60'), depsAt(EXAMPLE_TIME - 900_001)), { code: 'AccessDenied' })
})

t.test('presigned: what is missing or malformed is refused', async (t) => {
  const { target, ...sent } = signByAws4({ signQuery: true })
  const without = (name: string) => ({
    ...sent,
    target: target.replace(new RegExp(`[?&]X-Amz-${name}=[^&]*`), (c) => (c[0] === '?' ? '?' : '')),
  })
  for (const name of ['Algorithm', 'Credential', 'Date', 'Expires', 'SignedHeaders', 'Signature']) {
    await t.rejects(ask(without(name)), { code: 'AuthorizationQueryParametersError' }, name)
  }
  const swap = (from: string, to: string) => ({ ...sent, target: target.replace(from, to) })
  await t.rejects(ask(swap('AWS4-HMAC-SHA256', 'AWS4-HMAC-SHA1')), { code: 'AuthorizationQueryParametersError' })
  await t.rejects(ask(swap('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256')), { code: 'NotImplemented' })
  await t.rejects(ask(swap('us-east-1', 'us-west-2')), {
    code: 'AuthorizationQueryParametersError',
    detail: { region: 'us-east-1' },
  })
  await t.rejects(ask(swap('Date=20130524', 'Date=20130525')), { code: 'AuthorizationQueryParametersError' })
  await t.rejects(ask(swap('AKIAIOSFODNN7EXAMPLE', '%00')), { code: 'InvalidAccessKeyId' })
  await t.rejects(ask(swap('/bucket/key', '/bucket/kez')), { code: 'SignatureDoesNotMatch' })
  await t.rejects(ask({ ...sent, target: `${target}&versionId=1` }), { code: 'SignatureDoesNotMatch' })
})

t.test('presigned: a hash that was signed is honoured, in query or header; two different ones are not', async (t) => {
  const inQuery = signByAws4({ signQuery: true, method: 'PUT', path: `/b/k?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD` })
  t.match(await ask(inQuery), { payload: { kind: 'unsigned' } })
  await t.rejects(ask(withHeaders(inQuery, { 'x-amz-content-sha256': EMPTY_SHA256 })), { code: 'InvalidArgument' })
})

t.test('a fault never repeats a secret', async (t) => {
  const sent = signByAws4({ headers: { 'x-amz-server-side-encryption-customer-key': 'SECRETKEY' } })
  const changed = { ...sent, method: 'PUT' }
  const error = (await ask(changed).catch((e) => e)) as Error
  t.match(error, { code: 'SignatureDoesNotMatch' })
  t.notMatch(JSON.stringify(error) + error.message, /SECRETKEY/)
  t.notMatch(JSON.stringify(error) + error.message, key.secretAccessKey)
  const basic = (await ask(withHeaders(sent, { authorization: 'Bearer hunter2' })).catch((e) => e)) as Error
  t.notMatch(basic.message, /hunter2/)
})

t.test('a secret that was changed takes effect at once: cached signing keys are of the old one', async (t) => {
  const sent = signByAws4()
  await t.resolves(ask(sent))
  const rotated = depsAt(EXAMPLE_TIME, { findAccessKey: async () => ({ ...key, secretAccessKey: 'another' }) })
  await t.rejects(ask(sent, rotated), { code: 'SignatureDoesNotMatch' })
})
