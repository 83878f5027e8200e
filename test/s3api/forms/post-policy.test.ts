import fc from 'fast-check'
import t from 'tap'
import { isFault } from '../../../src/base/faults.ts'
import { checkPolicy, parsePolicy } from '../../../src/s3api/forms/post-policy.ts'

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const expiration = '2026-01-01T00:00:01Z'
const coded = (document: unknown) =>
  Buffer.from(typeof document === 'string' ? document : JSON.stringify(document)).toString('base64')

function check(conditions: unknown[], fields: Record<string, string>) {
  const policy = parsePolicy(coded({ expiration, conditions }))
  return checkPolicy(policy, { fields: new Map(Object.entries(fields)), bucket: 'b', nowMs })
}

const bucket = { bucket: 'b' }

t.test('parsePolicy: what is no policy: InvalidPolicyDocument', async (t) => {
  const wrong: unknown[] = [
    '',
    'null',
    '{',
    '[]',
    { conditions: [] },
    { expiration },
    { EXPIRATION: expiration, conditions: [] },
    { expiration, CONDITIONS: [] },
    { expiration: '2026-01-01', conditions: [] },
    { expiration: 'Thu, 01 Jan 2026 00:00:00 GMT', conditions: [] },
    { expiration: 1, conditions: [] },
    { expiration, conditions: {} },
    { expiration, conditions: [{}] },
    { expiration, conditions: ['eq'] },
    { expiration, conditions: [{ key: 1 }] },
    { expiration, conditions: [['eq', '$key']] },
    { expiration, conditions: [['eq', 'key', 'x']] },
    { expiration, conditions: [['eq', '$key', 'x', 'y']] },
    { expiration, conditions: [['ends-with', '$key', 'x']] },
    { expiration, conditions: [['content-length-range', 1]] },
    { expiration, conditions: [['content-length-range', -1, 0]] },
    { expiration, conditions: [['content-length-range', 2, 1]] },
    { expiration, conditions: [['content-length-range', 'x', 1]] },
  ]
  for (const document of wrong) {
    t.throws(() => parsePolicy(coded(document)), { code: 'InvalidPolicyDocument' }, JSON.stringify(document))
  }
})

t.test('checkPolicy: eq, starts-with, in whatever case their names are', async (t) => {
  const good: [unknown[], Record<string, string>][] = [
    [[bucket, ['eq', '$key', 'a']], { key: 'a' }],
    [[{ bUcKeT: 'b' }, ['StArTs-WiTh', '$KeY', 'a/']], { key: 'a/b' }],
    [[bucket, ['starts-with', '$key', '']], { key: 'anything' }],
    [[bucket, { key: 'a', acl: 'private' }], { key: 'a', acl: 'private' }],
    [[bucket, ['starts-with', '$content-type', 'image/']], { 'content-type': 'image/png,image/jpeg, image/x' }],
    [[bucket], { 'x-ignore-me': '1', policy: 'p', signature: 's', awsaccesskeyid: 'a', 'x-amz-signature': 'v4' }],
  ]
  for (const [conditions, fields] of good) {
    t.same(check(conditions, fields), { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY }, JSON.stringify(conditions))
  }
  const bad: [unknown[], Record<string, string>, RegExp][] = [
    [[bucket, ['eq', '$key', 'a']], { key: 'A' }, /Policy Condition failed: \["eq","\$key","a"\]/],
    [[bucket, { key: 'a' }], { key: 'b' }, /Policy Condition failed: \["eq","\$key","a"\]/],
    [[bucket, ['starts-with', '$key', 'a/']], { key: 'b/a/' }, /Condition failed/],
    [[bucket, ['eq', '$acl', 'private']], {}, /Condition failed/],
    [[bucket, ['starts-with', '$acl', '']], {}, /Condition failed/],
    [
      [bucket, ['starts-with', '$content-type', 'image/']],
      { 'content-type': 'image/png,text/html' },
      /Condition failed/,
    ],
    [[bucket], { key: 'a' }, /Extra input fields: key/],
    [[], {}, /Extra input fields: bucket/],
    [[{ bucket: 'another' }], {}, /Condition failed/],
    // The form may not say which bucket it means.
    [[{ bucket: 'another' }], { bucket: 'another' }, /Condition failed/],
  ]
  for (const [conditions, fields, violation] of bad) {
    t.throws(
      () => check(conditions, fields),
      { code: 'AccessDenied', detail: { policyViolation: violation } },
      JSON.stringify(conditions),
    )
  }
})

t.test('checkPolicy: the narrowest of several ranges counts; numbers may be texts', async (t) => {
  const ranges = [
    ['content-length-range', 1, 10],
    ['content-length-range', '5', '20'],
  ]
  t.same(check([bucket, ...ranges], {}), { minBytes: 5, maxBytes: 10 })
})

t.test('checkPolicy: good until the moment at which it expires', async (t) => {
  const policy = parsePolicy(coded({ expiration, conditions: [bucket] }))
  const at = (ms: number) => checkPolicy(policy, { fields: new Map(), bucket: 'b', nowMs: ms })
  t.ok(at(nowMs + 999))
  t.throws(() => at(nowMs + 1000), { code: 'AccessDenied', detail: { policyViolation: 'Policy expired.' } })
})

t.test('parsePolicy: an escaped dollar sign, which JSON does not know', async (t) => {
  const policy = parsePolicy(
    coded(`{"expiration":"${expiration}","conditions":[{"bucket":"b"},["eq","$key","\\$a\\\\$b"]]}`),
  )
  t.ok(checkPolicy(policy, { fields: new Map([['key', '$a\\$b']]), bucket: 'b', nowMs }))
})

t.test('parsePolicy: any JSON: a policy or a refusal', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), (conditions) => {
      try {
        return parsePolicy(coded({ expiration, conditions })).conditions.length >= 0
      } catch (error) {
        return isFault(error, 'InvalidPolicyDocument')
      }
    }),
  )
})
