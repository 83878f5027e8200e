import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { isSignatureOf, signingKeyFor, signingKeyOf } from '../../../src/s3api/auth/signing-key.ts'
import { key as accessKey } from './fixtures.ts'

/** Node's own HMAC, in hex. */
const hmac = (key: Uint8Array | string, text: string) => createHmac('sha256', key).update(text).digest('hex')

t.test('isSignatureOf: takes what an HMAC gives, and nothing else, whatever the length', async () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
  const text = fc.string({ unit: 'binary-ascii', maxLength: 1200 })
  const at = fc.nat(63)
  fc.assert(
    fc.property(key, text, at, (key, text, at) => {
      const signature = hmac(key, text)
      const digit = signature[at] === '0' ? '1' : '0'
      const forged = `${signature.slice(0, at)}${digit}${signature.slice(at + 1)}`
      const signingKey = signingKeyOf(key)
      return (
        isSignatureOf(signingKey, text, signature) &&
        !isSignatureOf(signingKey, text, forged) &&
        !isSignatureOf(signingKey, `${text}a`, signature)
      )
    }),
  )
})

t.test('isSignatureOf: a signature of another form is none', async (t) => {
  const key = signingKeyOf(new Uint8Array(32))
  const signature = hmac(new Uint8Array(32), 'text')
  for (const other of [
    '',
    signature.slice(1),
    `${signature}0`,
    signature.toUpperCase(),
    `\u0161${signature.slice(1)}`,
  ]) {
    t.notOk(isSignatureOf(key, 'text', other), other)
  }
  t.ok(isSignatureOf(key, 'text', signature))
})

t.test('signingKeyFor: another day, region or secret is another key', async (t) => {
  const sign = (key: typeof accessKey, date: string, region: string) => {
    let secret: Buffer | string = `AWS4${key.secretAccessKey}`
    for (const text of [date, region, 's3', 'aws4_request']) {
      secret = createHmac('sha256', secret).update(text).digest()
    }
    return hmac(secret, 'text')
  }
  const other = { ...accessKey, secretAccessKey: 'another secret' }
  for (const key of [accessKey, other, accessKey]) {
    for (const [date, region] of [
      ['20130524', 'us-east-1'],
      ['20130524', 'us-east-1'],
      ['20130525', 'us-east-1'],
      ['20130525', 'eu-west-1'],
    ] as const) {
      t.ok(isSignatureOf(signingKeyFor(key, date, region), 'text', sign(key, date, region)), `${date} ${region}`)
    }
  }
})
