import {
  DeletePublicAccessBlockCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { bytes, md5, md5Base64 } from '../support/bytes.ts'
import { checksum } from '../support/checksums.ts'
import {
  anyValue,
  encodePolicy,
  type Fields,
  type FormPolicy,
  inAnHour,
  postForm,
  signForm,
  signFormV2,
} from '../support/forms.ts'
import { element, openSuite } from '../support/suite.ts'

const suite = await openSuite(t)
const { s3, bucket, target, send } = suite
const url = new URL(`/${bucket}`, target.endpoint)
/** S3's own, and no template's. */
const filename = ['$', '{filename}'].join('')

/** Signed so that it is allowed, unless the policy says otherwise. */
async function post(
  fields: Fields,
  {
    file = 'content',
    name,
    after,
    ...policy
  }: Partial<FormPolicy> & { file?: Uint8Array | string; name?: string; after?: Fields } = {},
): Promise<Response> {
  const given = { bytes: file, ...(name !== undefined && { name }) }
  return await postForm(url, signForm(target, fields, { bucket, ...policy }), given, after)
}

const get = (key: string) => send({ method: 'GET', path: `/${bucket}/${key}` })

async function refusedForm(
  t: Test,
  answer: Response,
  status: number,
  code: string,
  message?: string | RegExp,
): Promise<void> {
  const body = await answer.text()
  t.same([answer.status, element(body, 'Code')], [status, code], `${status} ${code}`, { body })
  if (message !== undefined) t.match(element(body, 'Message'), message)
}

t.test('PostObject: signed by SigV4, or by SigV2: 204, and the file is there with its ETag', async (t) => {
  for (const sign of [signForm, signFormV2]) {
    const key = sign.name
    const answer = await postForm(url, sign(target, { key }, { bucket }), { bytes: 'by form' })
    t.same([answer.status, await answer.text()], [204, ''])
    t.equal(answer.headers.get('etag'), `"${md5(Buffer.from('by form'))}"`)
    t.equal(answer.headers.get('location'), `${url.href}/${key}`)
    t.equal(String((await get(key)).body), 'by form')
  }
})

t.test('PostObject: of any size, the file last or not: byte by byte as it was', async (t) => {
  const sizes = [0, 1, 6, 16_384, 65_536, 196_608, 1_572_864, 1_572_865, 5_000_000]
  for (const size of sizes) {
    for (const after of [{}, { submit: 'Upload' }, { comment: 'x'.repeat(300_000) }]) {
      const file = bytes(size, `form ${size}`)
      const answer = await post({ key: 'sized' }, { file, after })
      t.equal(answer.status, 204)
      const got = await get('sized')
      t.ok(got.body.equals(file), `${size} bytes, then ${Object.keys(after)}`)
      t.equal(got.headers.etag, `"${md5(file)}"`)
    }
  }
})

t.test('PostObject: fields in any case, metadata and headers: those of the object', async (t) => {
  const fields = {
    KEY: 'headers',
    'content-type': 'text/x-form',
    'Cache-Control': 'max-age=60',
    'Content-Disposition': `attachment; filename="${filename}"`,
    'X-Amz-Meta-Colour': 'grün',
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    ACL: 'private',
    'x-ignore-me': 'of no meaning',
  }
  t.equal((await post(fields, { name: 'C:\\photos\\one.jpg' })).status, 204)
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'headers' }))
  t.match(head, {
    ContentType: 'text/x-form',
    CacheControl: 'max-age=60',
    ContentDisposition: 'attachment; filename="one.jpg"',
    StorageClass: 'REDUCED_REDUNDANCY',
  })
  t.match(head.Metadata?.colour, /gr(?:ün|=C3=BCn)/)
})

t.test('PostObject: the name of the file in the key: its last step', async (t) => {
  t.equal((await post({ key: `user/${filename}` }, { name: '/a/b/ümlaut 1.jpg' })).status, 204)
  t.equal(String((await get('user/%C3%BCmlaut%201.jpg')).body), 'content')
})

t.test('PostObject: success_action_status: 200, 201 with a document; anything else is 204 (quirk 36)', async (t) => {
  for (const [given, status] of [
    ['200', 200],
    ['204', 204],
    ['404', 204],
    ['', 204],
  ] as const) {
    const answer = await post({ key: 'status', success_action_status: given })
    t.same([answer.status, await answer.text()], [status, ''], given)
  }
  const answer = await post({ key: 'dir/ü&', success_action_status: '201' })
  const body = await answer.text()
  t.equal(answer.status, 201)
  t.match(body, /<PostResponse>/)
  const location = `${url.href}/dir%2F%C3%BC%26`
  const told = ['Location', 'Bucket', 'Key', 'ETag'].map((name) => element(body, name))
  t.same(told, [location, bucket, 'dir/ü&', `"${md5(Buffer.from('content'))}"`])
  t.equal(answer.headers.get('location'), location)
})

t.test('PostObject: success_action_redirect: 303, told bucket, key and quoted ETag (quirk 36)', async (t) => {
  const told = `bucket=${bucket}&key=a%2Fb%20c&etag=%22${md5(Buffer.from('content'))}%22`
  const pages = {
    'http://example.com/done': `http://example.com/done?${told}`,
    'https://example.com/?a=b': `https://example.com/?a=b&${told}`,
  }
  for (const [page, wanted] of Object.entries(pages)) {
    for (const field of ['success_action_redirect', 'redirect']) {
      const answer = await post({ key: 'a/b c', [field]: page, success_action_status: '201' })
      t.same([answer.status, answer.headers.get('location')], [303, wanted], `${field} ${page}`)
    }
  }
  for (const page of ['no page', 'javascript:alert(1)', '/done']) {
    t.equal((await post({ key: 'a', success_action_redirect: page })).status, 204, page)
  }
})

t.test('PostObject: against its policy: 403, and nothing is stored', async (t) => {
  const covered = (fields: Fields) => [{ bucket }, ...anyValue(fields)]
  const key = 'refused'
  const wrong: [string, Fields, Partial<FormPolicy>, RegExp][] = [
    ['expired', { key }, { expiration: '2020-01-01T00:00:00Z' }, /^Invalid according to Policy: Policy expired\.$/],
    [
      'another key',
      { key },
      { conditions: [{ bucket }, ['eq', '$key', 'other']] },
      /Condition failed: \["eq","\$key","other"\]/,
    ],
    ['another beginning', { key }, { conditions: [{ bucket }, ['starts-with', '$key', 'user/']] }, /Condition failed/],
    ['a field that is missing', { key }, { conditions: [...covered({ key }), { acl: 'private' }] }, /Condition failed/],
    [
      'a field that is not covered',
      { key, 'x-amz-meta-a': '1' },
      { conditions: covered({ key }) },
      /Extra input fields: x-amz-meta-a/,
    ],
    ['the bucket not covered', { key }, { conditions: anyValue({ key }) }, /Extra input fields: bucket/],
    ['another bucket', { key }, { conditions: [{ bucket: 'other' }, ...anyValue({ key })] }, /Condition failed/],
    [
      'a bucket of the form’s own',
      { key, bucket: 'other' },
      { conditions: [{ bucket: 'other' }, ...anyValue({ key })] },
      /Condition failed/,
    ],
  ]
  for (const [what, fields, policy, message] of wrong) {
    t.comment(what)
    await refusedForm(t, await post(fields, policy), 403, 'AccessDenied', message)
  }
  t.equal((await get(key)).status, 404)
})

t.test('PostObject: content-length-range: too large, too small: 400, and nothing is stored', async (t) => {
  const within = (min: unknown, max: unknown) => ({
    conditions: [{ bucket }, ['starts-with', '$key', ''], ['content-length-range', min, max]],
  })
  const key = 'ranged'
  await refusedForm(t, await post({ key }, { ...within(0, 6) }), 400, 'EntityTooLarge')
  await refusedForm(t, await post({ key }, { ...within(8, 100) }), 400, 'EntityTooSmall')
  const large = await post({ key }, { ...within(0, 1_000_000), file: bytes(3_000_000) })
  await refusedForm(t, large, 400, 'EntityTooLarge')
  await refusedForm(t, await post({ key }, { ...within(-1, 0) }), 400, 'InvalidPolicyDocument')
  t.equal((await get(key)).status, 404)
  t.equal((await post({ key }, { ...within(7, '7') })).status, 204)
})

t.test('PostObject: no key, no file, no signature, no form: 400 by S3’s codes', async (t) => {
  const order = /If it is specified, please check the order of the fields\.$/
  await refusedForm(t, await post({ 'x-amz-meta-a': '1' }), 400, 'InvalidArgument', order)
  await refusedForm(
    t,
    await postForm(url, signForm(target, { key: 'k' }, { bucket }), undefined),
    400,
    'InvalidArgument',
    /exactly one file/,
  )
  const { 'x-amz-signature': _, ...unsigned } = signForm(target, { key: 'k' }, { bucket })
  await refusedForm(t, await postForm(url, unsigned, { bytes: 'x' }), 400, 'InvalidArgument', order)
  const policy = encodePolicy({ expiration: inAnHour(), conditions: [{ bucket }, ...anyValue({ key: '' })] })
  await refusedForm(t, await postForm(url, { key: 'k', policy }, { bytes: 'x' }), 400, 'InvalidArgument', order)
  const bad = { ...signFormV2(target, { key: 'k' }, { bucket }), policy: '{}' }
  await refusedForm(t, await postForm(url, bad, { bytes: 'x' }), 400, 'InvalidPolicyDocument')
  await refusedForm(t, await fetch(url, { method: 'POST', body: 'x' }), 412, 'PreconditionFailed')
  const headers = { 'Content-Type': 'multipart/form-data; boundary=b' }
  await refusedForm(t, await fetch(url, { method: 'POST', headers, body: 'x' }), 400, 'MalformedPOSTRequest')
  const heavy = await post({ key: 'k', 'x-amz-meta-a': 'x'.repeat(21 * 1024) })
  await refusedForm(t, heavy, 400, 'MaxPostPreDataLengthExceededError')
  await refusedForm(t, await post({ key: 'x'.repeat(1025) }), 400, 'KeyTooLongError')
  await refusedForm(t, await post({ key: 'k', 'x-amz-meta-a': 'x'.repeat(2049) }), 400, 'MetadataTooLarge')
})

t.test('PostObject: forged, foreign or nobody’s: 403, and nothing is stored (attack)', async (t) => {
  const key = 'forged'
  const signed = signForm(target, { key }, { bucket })
  const wrong = { ...signed, 'x-amz-signature': [...signed['x-amz-signature']!].reverse().join('') }
  await refusedForm(t, await postForm(url, wrong, { bytes: 'x' }), 403, 'SignatureDoesNotMatch')
  const widened = { ...signed, policy: encodePolicy({ expiration: inAnHour(), conditions: [] }) }
  await refusedForm(t, await postForm(url, widened, { bytes: 'x' }), 403, 'SignatureDoesNotMatch')
  const unknown = { credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' } }
  await refusedForm(t, await post({ key }, unknown), 403, 'InvalidAccessKeyId')
  await refusedForm(t, await post({ key }, { credentials: suite.other() }), 403, 'AccessDenied', 'Access Denied')
  await refusedForm(t, await postForm(url, { key }, { bytes: 'x' }), 403, 'AccessDenied', 'Access Denied')
  const both = await send({
    method: 'POST',
    path: `/${bucket}`,
    headers: { 'Content-Type': 'multipart/form-data; boundary=b' },
  })
  t.equal(both.status, 400, 'signed in the header too')
  const broken = await post({ key, 'Cache-Control': 'a\r\nSet-Cookie: b=c' })
  await refusedForm(t, broken, 400, 'InvalidArgument')
  t.equal((await get(key)).status, 404)
})

t.test('PostObject: Content-MD5 and checksums: wrong 400, and nothing is stored; right: kept', async (t) => {
  const content = Buffer.from('content')
  const right = { 'Content-MD5': md5Base64(content), 'x-amz-checksum-sha256': checksum('SHA256', content) }
  t.equal((await post({ key: 'sums', ...right })).status, 204)
  const head = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'sums', ChecksumMode: 'ENABLED' }))
  t.equal(head.ChecksumSHA256, right['x-amz-checksum-sha256'])
  const other = Buffer.from('other')
  for (const wrong of [{ 'Content-MD5': md5Base64(other) }, { 'x-amz-checksum-crc32': checksum('CRC32', other) }]) {
    await refusedForm(t, await post({ key: 'wrong-sums', ...wrong }), 400, 'BadDigest')
  }
  await refusedForm(t, await post({ key: 'wrong-sums', 'Content-MD5': 'x' }), 400, 'InvalidDigest')
  t.equal((await get('wrong-sums')).status, 404)
})

t.test('PostObject: nobody’s form, where anybody may put: as an anonymous PUT', async (t) => {
  const Bucket = await suite.newBucket()
  const open = new URL(`/${Bucket}`, target.endpoint)
  await s3.send(new DeletePublicAccessBlockCommand({ Bucket }))
  const Resource = `arn:aws:s3:::${Bucket}/open/*`
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource }]
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }))
  t.equal((await postForm(open, { key: 'open/a' }, { bytes: 'anybody’s' })).status, 204)
  t.equal(String((await send({ method: 'GET', path: `/${Bucket}/open/a` })).body), 'anybody’s')
  await refusedForm(t, await postForm(open, { key: 'closed/a' }, { bytes: 'x' }), 403, 'AccessDenied')
})

t.test('PostObject: with tags, as a document: those of the object; with tags that are none: 400', async (t) => {
  const tagging = (...keys: string[]) =>
    `<Tagging><TagSet>${keys.map((key) => `<Tag><Key>${key}</Key><Value>1 &amp; 2</Value></Tag>`).join('')}</TagSet></Tagging>`
  await refusedForm(t, await post({ key: 'tagged', tagging: tagging('a') }), 400, 'InvalidTag')
  const good = tagging('b', 'ключ').replaceAll('&amp;', '+')
  t.equal((await post({ key: 'tagged', tagging: good })).status, 204)
  const tags = (await s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'tagged' }))).TagSet
  t.same(tags, [
    { Key: 'b', Value: '1 + 2' },
    { Key: 'ключ', Value: '1 + 2' },
  ])
  await refusedForm(t, await post({ key: 'untagged', tagging: '<Tagging>' }), 400, 'MalformedXML')
  t.equal((await get('untagged')).status, 404)
})

t.test('PostObject: from a page of another origin: with the headers that its rule gives', async (t) => {
  const CORSRules = [{ AllowedMethods: ['POST'], AllowedOrigins: ['http://a.test'], ExposeHeaders: ['ETag'] }]
  await s3.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules } }))
  const form = new FormData()
  for (const [name, value] of Object.entries(signForm(target, { key: 'cors' }, { bucket }))) form.append(name, value)
  form.append('file', 'x')
  const answer = await fetch(url, { method: 'POST', body: form, headers: { Origin: 'http://a.test' } })
  t.same([answer.status, answer.headers.get('access-control-allow-origin')], [204, 'http://a.test'])
  t.equal(answer.headers.get('access-control-expose-headers'), 'ETag')
})
