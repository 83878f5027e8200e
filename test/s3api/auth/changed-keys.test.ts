import { createHmac } from 'node:crypto'
import t from 'tap'
import type { AccessKey } from '../../../src/base/model.ts'
import type { AuthenticateDeps } from '../../../src/s3api/auth/authenticate.ts'
import { authenticateForm } from '../../../src/s3api/forms/authenticate-form.ts'
import { ask, depsAt, EXAMPLE_TIME, key, request, sha1Signature, signByAws4 } from './fixtures.ts'

/** Every way to sign, by the example's key. */
const policy = Buffer.from('{}').toString('base64')
const v2 = '/bucket/key?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1369357200'
const v2Date = 'Fri, 24 May 2013 00:00:00 GMT'
const ways: Record<string, (deps: AuthenticateDeps) => Promise<unknown>> = {
  'v4 header': (deps) => ask(signByAws4(), deps),
  'v4 query': (deps) => ask(signByAws4({ signQuery: true }), deps),
  'v2 header': (deps) =>
    ask(
      request('GET', '/bucket/key', {
        Host: 'localhost:8080',
        Date: v2Date,
        Authorization: `AWS ${key.accessKeyId}:${sha1Signature(`GET\n\n\n${v2Date}\n/bucket/key`)}`,
      }),
      deps,
    ),
  'v2 query': (deps) => {
    const signature = encodeURIComponent(sha1Signature('GET\n\n\n1369357200\n/bucket/key'))
    return ask(request('GET', `${v2}&Signature=${signature}`, { Host: 'localhost:8080' }), deps)
  },
  'v2 form': (deps) =>
    authenticateForm(
      new Map(Object.entries({ awsaccesskeyid: key.accessKeyId, policy, signature: sha1Signature(policy) })),
      deps,
      AbortSignal.timeout(10_000),
    ),
  'v4 form': (deps) => {
    let secret: Buffer | string = `AWS4${key.secretAccessKey}`
    for (const text of ['20130524', 'us-east-1', 's3', 'aws4_request'])
      secret = createHmac('sha256', secret).update(text).digest()
    const fields = {
      policy,
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-credential': `${key.accessKeyId}/20130524/us-east-1/s3/aws4_request`,
      'x-amz-date': '20130524T000000Z',
      'x-amz-signature': createHmac('sha256', secret).update(policy).digest('hex'),
    }
    return authenticateForm(new Map(Object.entries(fields)), deps, AbortSignal.timeout(10_000))
  },
}
const depsFor = (found: AccessKey) => depsAt(EXAMPLE_TIME, { findAccessKey: async () => found, sigV2: 'all' })
const at = (ms: number) => new Date(EXAMPLE_TIME + ms)

for (const [name, sign] of Object.entries(ways)) {
  t.test(`${name}: an access key that has expired: ExpiredToken; one that will: accepted`, async (t) => {
    t.match(await sign(depsFor({ ...key, expiresAt: at(1) })), { kind: 'account' })
    for (const expiresAt of [at(0), at(-1)])
      await t.rejects(sign(depsFor({ ...key, expiresAt })), { code: 'ExpiredToken' })
  })

  t.test(
    `${name}: the secret before a rotation: accepted until its grace is over, then SignatureDoesNotMatch`,
    async (t) => {
      const rotated = { ...key, secretAccessKey: 'another-secret-of-the-same-key' }
      const former = (until: Date) => ({ ...rotated, former: { key, until } })
      t.match(await sign(depsFor(former(at(1)))), { accessKey: { accessKeyId: key.accessKeyId } })
      await t.rejects(sign(depsFor(former(at(0)))), { code: 'SignatureDoesNotMatch' })
      await t.rejects(sign(depsFor(rotated)), { code: 'SignatureDoesNotMatch' })
      const third = { ...key, secretAccessKey: 'the-secret-before-that' }
      t.match(await sign(depsFor({ ...key, former: { key: third, until: at(1) } })), { kind: 'account' }, 'the new one')
      await t.rejects(sign(depsFor({ ...rotated, former: { key: third, until: at(1) } })), {
        code: 'SignatureDoesNotMatch',
      })
    },
  )
}
