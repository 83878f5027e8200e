import { createHmac } from 'node:crypto'
import t from 'tap'
import type { AccountId } from '../../../src/base/ids.ts'
import { systemClock } from '../../../src/base/system.ts'
import type { AuthenticateDeps } from '../../../src/s3api/auth/authenticate.ts'
import { authenticateForm } from '../../../src/s3api/forms/authenticate-form.ts'

const never = new AbortController().signal
const account = { id: 'a' as AccountId, name: 'a', displayName: 'a', isRoot: false }
const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const deps: AuthenticateDeps = {
  findAccessKey: async (id) => (id === accessKeyId ? { accessKeyId, secretAccessKey, account } : undefined),
  clock: systemClock,
  region: 'us-east-1',
  sigV2: 'presigned',
}
const ask = (fields: Record<string, string>, given: Partial<AuthenticateDeps> = {}) =>
  authenticateForm(new Map(Object.entries(fields)), { ...deps, ...given }, never)

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html */
const example = {
  policy:
    'eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9',
  'x-amz-algorithm': 'AWS4-HMAC-SHA256',
  'x-amz-credential': `${accessKeyId}/20151229/us-east-1/s3/aws4_request`,
  'x-amz-date': '20151229T000000Z',
  'x-amz-signature': '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
}

t.test('authenticateForm: the example of S3’s documents', async (t) => {
  t.match(await ask(example), { kind: 'account', via: 'form', accessKey: { accessKeyId } })
})

t.test('authenticateForm: nothing signed: nobody; half signed: refused', async (t) => {
  t.match(await ask({ key: 'k' }), { kind: 'anonymous' })
  for (const name of Object.keys(example)) {
    const { [name as keyof typeof example]: _, ...rest } = example
    await t.rejects(ask(rest), { code: 'InvalidArgument', detail: { name: new RegExp(name, 'i') } }, `without ${name}`)
  }
  await t.rejects(ask({ policy: example.policy }), { code: 'InvalidArgument' })
  await t.rejects(ask({ ...example, 'x-amz-security-token': 't' }), { code: 'InvalidToken' })
})

t.test('authenticateForm: anything changed: refused', async (t) => {
  const changed: [Record<string, string>, string][] = [
    [{ policy: `${example.policy.slice(0, -4)}AAAA` }, 'SignatureDoesNotMatch'],
    [{ 'x-amz-signature': example['x-amz-signature'].replace('8', '9') }, 'SignatureDoesNotMatch'],
    [
      { 'x-amz-credential': `${accessKeyId}/20151230/us-east-1/s3/aws4_request`, 'x-amz-date': '20151230T000000Z' },
      'SignatureDoesNotMatch',
    ],
    [{ 'x-amz-credential': 'AKIANOBODY/20151229/us-east-1/s3/aws4_request' }, 'InvalidAccessKeyId'],
    [{ 'x-amz-credential': `${accessKeyId}/20151229/eu-west-1/s3/aws4_request` }, 'AuthorizationQueryParametersError'],
    [{ 'x-amz-date': '20151230T000000Z' }, 'AuthorizationQueryParametersError'],
    [{ 'x-amz-date': 'yesterday' }, 'AuthorizationQueryParametersError'],
    [{ 'x-amz-algorithm': 'AWS4-HMAC-SHA1' }, 'AuthorizationQueryParametersError'],
  ]
  for (const [change, code] of changed)
    await t.rejects(ask({ ...example, ...change }), { code }, JSON.stringify(change))
})

t.test(
  'authenticateForm: a character that is hashed like a signed one, and read as none: refused (attack)',
  async (t) => {
    const forged = example.policy.replace('A', String.fromCharCode(0x100 + 'A'.charCodeAt(0)))
    await t.rejects(ask({ ...example, policy: forged }), { code: 'InvalidPolicyDocument' })
  },
)

t.test('authenticateForm: SigV2, unless it is off', async (t) => {
  const signature = createHmac('sha1', secretAccessKey).update(example.policy).digest('base64')
  const fields = { awsaccesskeyid: accessKeyId, policy: example.policy, signature }
  t.match(await ask(fields), { kind: 'account', via: 'form' })
  t.match(await ask(fields, { sigV2: 'all' }), { kind: 'account', via: 'form' })
  await t.rejects(ask(fields, { sigV2: 'off' }), { code: 'InvalidRequest' })
  await t.rejects(ask({ ...fields, signature: [...signature].reverse().join('') }), { code: 'SignatureDoesNotMatch' })
  await t.rejects(ask({ ...fields, awsaccesskeyid: 'AKIANOBODY' }), { code: 'InvalidAccessKeyId' })
  const { signature: _, ...unsigned } = fields
  await t.rejects(ask(unsigned), { code: 'InvalidArgument', detail: { name: 'Signature' } })
})
