// biome-ignore-all lint/suspicious/noTemplateCurlyInString: so are the variables of policies written
import t from 'tap'
import { compactPolicy, parsePolicy } from '../../../src/s3api/access/policy/parse-policy.ts'

const ID = 'a1'.repeat(32)
const fine = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::bucket/*' }
const parse = (statement: unknown, beside: object = {}) =>
  parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statement, ...beside }), {
    of: 'bucket',
    bucket: 'bucket',
  })
const without = (name: keyof typeof fine) => ({ ...fine, [name]: undefined })

t.test('policies: what S3 takes is taken', async (t) => {
  for (const change of [
    {},
    { Sid: 'One' },
    { Principal: { AWS: '*' } },
    { Principal: { AWS: [ID, `arn:aws:iam::${ID}:root`, `arn:aws:iam::${ID}:user/AKX`] } },
    { Principal: { CanonicalUser: ID } },
    { Effect: 'Deny', Principal: undefined, NotPrincipal: { AWS: ID } },
    { Action: ['s3:Get*', 's3:PutObject'] },
    { Action: '*', Resource: '*' },
    { Action: 'S3:getobject' },
    { Action: undefined, NotAction: 's3:DeleteObject' },
    { Resource: undefined, NotResource: 'arn:aws:s3:::bucket/secret/*' },
    { Action: ['s3:ListBucket', 's3:GetObject'], Resource: ['arn:aws:s3:::bucket', 'arn:aws:s3:::bucket/*'] },
    { Resource: 'arn:aws:s3:::buck*' },
    { Resource: 'arn:aws:s3:::bucket/${aws:username}/*' },
    { Condition: {} },
    { Condition: { StringEquals: { 's3:ExistingObjectTag/Team': ['a', 'b'] }, Bool: { 'aws:SecureTransport': true } } },
    { Condition: { 'ForAllValues:StringLike': { 's3:RequestObjectTagKeys': ['a*'] } } },
    { Condition: { IpAddress: { 'aws:sourceip': ['10.0.0.0/8', '::1'] }, Null: { 's3:VersionId': 'true' } } },
    {
      Condition: {
        NumericLessThanEquals: { 's3:max-keys': 10 },
        DateGreaterThan: { 'aws:CurrentTime': '2026-01-01T00:00:00Z' },
      },
    },
  ]) {
    t.equal(parse({ ...fine, ...change }).statements.length, 1, JSON.stringify(change))
  }
  t.equal(parse([fine, { ...fine, Sid: 'a' }]).statements.length, 2)
  t.equal(parse(fine, { Version: undefined, Id: 'mine' }).statements.length, 1)
})

t.test('policies: what S3 refuses is refused in its words', async (t) => {
  const cases: [reason: string | RegExp, statement: unknown, beside?: object][] = [
    ['Missing required field Statement', undefined],
    ['Could not parse the policy: Statement is empty!', []],
    ['The policy must contain a valid version string', fine, { Version: '2020-01-01' }],
    ['Unknown field Statements', fine, { Statements: [] }],
    ['Unknown field Actions', { ...fine, Actions: 's3:*' }],
    ['Policy has invalid syntax', 'Allow'],
    ['Policy has invalid syntax', fine, { Id: 1 }],
    [
      'Statement IDs (SID) in a single policy must be unique.',
      [
        { ...fine, Sid: 'a' },
        { ...fine, Sid: 'a' },
      ],
    ],
    ['Missing required field Effect', without('Effect')],
    ['Invalid effect: allow', { ...fine, Effect: 'allow' }],
    ['Missing required field Principal', without('Principal')],
    ['Missing required field Principal cannot be empty!', { ...fine, Principal: {} }],
    ['Invalid principal in policy', { ...fine, Principal: 'somebody' }],
    ['Invalid principal in policy', { ...fine, Principal: { AWS: [] } }],
    ['Invalid principal in policy', { ...fine, Principal: { AWS: '123456789012' } }],
    ['Invalid principal in policy', { ...fine, Principal: { AWS: 'arn:aws:iam::*:root' } }],
    ['Invalid principal in policy', { ...fine, Principal: { CanonicalUser: '*' } }],
    ['Invalid principal in policy', { ...fine, Principal: { Service: 's3.amazonaws.com' } }],
    ['Allow with NotPrincipal is not allowed.', { ...without('Principal'), NotPrincipal: { AWS: ID } }],
    ['Statement/policy already has instance of Principal', { ...fine, NotPrincipal: { AWS: ID } }],
    ['Missing required field Action', without('Action')],
    ['Policy has invalid action', { ...fine, Action: 's3:Fly' }],
    ['Policy has invalid action', { ...fine, Action: 'ec2:*' }],
    ['Policy has invalid action', { ...fine, Action: [] }],
    ['Policy has invalid action', { ...fine, Action: 7 }],
    ['Missing required field Resource', without('Resource')],
    ['Policy has invalid resource', { ...fine, Resource: 'bucket/*' }],
    ['Policy has invalid resource', { ...fine, Resource: 'arn:aws:s3:::other/*' }],
    ['Policy has invalid resource', { ...fine, Resource: 'arn:aws:s3:::' }],
    ['Action does not apply to any resource(s) in statement', { ...fine, Resource: 'arn:aws:s3:::bucket' }],
    ['Action does not apply to any resource(s) in statement', { ...fine, Action: 's3:ListBucket' }],
    ['Policy has an invalid condition key', { ...fine, Condition: { StringEquals: { 'aws:Nothing': 'x' } } }],
    ['Policy has an invalid condition key', { ...fine, Condition: { StringEquals: { 's3:ExistingObjectTag/': 'x' } } }],
    ['Policy has an invalid condition key', { ...fine, Condition: { Null: { 'aws:Nothing': 'true' } } }],
    ['Invalid Condition type : StringIs', { ...fine, Condition: { StringIs: { 's3:prefix': 'x' } } }],
    ['Invalid Condition type : NullIfExists', { ...fine, Condition: { NullIfExists: { 's3:prefix': 'true' } } }],
    [
      'Invalid Condition type : ForSome:StringLike',
      { ...fine, Condition: { 'ForSome:StringLike': { 's3:prefix': 'x' } } },
    ],
    [
      'Invalid IP Address in Conditions: 10.0.0.0/33',
      { ...fine, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } } },
    ],
    ['Invalid IP Address in Conditions: here', { ...fine, Condition: { NotIpAddress: { 'aws:SourceIp': 'here' } } }],
    [/invalid condition value/, { ...fine, Condition: { NumericEquals: { 's3:max-keys': 'many' } } }],
    [/invalid condition value/, { ...fine, Condition: { DateLessThan: { 'aws:CurrentTime': 'soon' } } }],
    [/invalid condition value/, { ...fine, Condition: { Bool: { 'aws:SecureTransport': 'perhaps' } } }],
    [/JSON objects/, { ...fine, Condition: [] }],
    [/must have a value/, { ...fine, Condition: { StringEquals: { 's3:prefix': [] } } }],
    [/must be strings/, { ...fine, Condition: { StringEquals: { 's3:prefix': { a: 1 } } } }],
    [/invalid variable/, { ...fine, Resource: 'arn:aws:s3:::bucket/${aws:nobody}' }],
  ]
  for (const [reason, statement, beside] of cases) {
    t.throws(() => parse(statement, beside), { code: 'MalformedPolicy', detail: { reason } }, JSON.stringify(statement))
  }
})

t.test('policies: texts that are no policy', async (t) => {
  const read = (text: string) => parsePolicy(text, { of: 'bucket', bucket: 'bucket' })
  const first = {
    code: 'MalformedPolicy',
    detail: { reason: "Policies must be valid JSON and the first byte must be '{'" },
  }
  for (const text of ['', 'policy', '[]', '"x"']) t.throws(() => read(text), first, text)
  const json = { code: 'MalformedPolicy', detail: { reason: 'This policy contains invalid Json' } }
  for (const text of [
    '{',
    '{"a":}',
    '{"Id":"\\ud800"}',
    '{"\\udfff":1}',
    '{"Id":"\\u0000"}',
    `{"a":${'['.repeat(9_000)}`,
  ]) {
    t.throws(() => read(text), json, text.slice(0, 30))
  }
  const long = JSON.stringify({ Statement: fine, Id: 'x'.repeat(20 * 1024) })
  t.throws(() => read(long), {
    code: 'MalformedPolicy',
    detail: { reason: 'Policy exceeds the maximum allowed document size.' },
  })
  t.equal(compactPolicy(' {\n "Id": "\\ud83d\\ude00" }\n'), '{"Id":"😀"}', 'white space says nothing')
})

t.test('policies of keys: any bucket, and no principal', async (t) => {
  const read = (statement: object) => parsePolicy(JSON.stringify({ Statement: statement }), { of: 'key' })
  const { Principal: _, ...own } = fine
  t.equal(read({ ...own, Action: 's3:*', Resource: ['arn:aws:s3:::a', 'arn:aws:s3:::*/x', '*'] }).statements.length, 1)
  t.equal(read({ ...own, Action: 's3:ListAllMyBuckets', Resource: '*' }).statements.length, 1)
  for (const field of ['Principal', 'NotPrincipal']) {
    t.throws(() => read({ ...own, [field]: '*' }), {
      code: 'MalformedPolicy',
      detail: { reason: /not specify a principal/ },
    })
  }
})
