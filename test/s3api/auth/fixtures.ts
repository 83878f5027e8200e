import { createHmac } from 'node:crypto'
import aws4 from 'aws4'
import type { AccountId } from '../../../src/base/ids.ts'
import type { AccessKey } from '../../../src/base/model.ts'
import { type AuthenticateDeps, authenticate, type Identity } from '../../../src/s3api/auth/authenticate.ts'
import type { SignedRequest } from '../../../src/s3api/auth/request.ts'

/** The key of AWS's published examples. */
export const key: AccessKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  account: { id: 'a'.repeat(64) as AccountId, name: 'tester', displayName: 'Tester', isRoot: false },
}
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
export const EXAMPLE_TIME = Date.UTC(2013, 4, 24)

export function depsAt(nowMs: number, more: Partial<AuthenticateDeps> = {}): AuthenticateDeps {
  return {
    findAccessKey: async (id) => (id === key.accessKeyId ? key : undefined),
    clock: { nowMs: () => nowMs, sleep: async () => {}, after: () => ({ [Symbol.dispose]() {} }) },
    region: 'us-east-1',
    sigV2: 'presigned',
    ...more,
  }
}

export function request(method: string, target: string, headers: Readonly<Record<string, string>>): SignedRequest {
  return { method, target, rawHeaders: Object.entries(headers).flat(), isTls: false }
}

export function ask(sent: SignedRequest, deps: AuthenticateDeps = depsAt(EXAMPLE_TIME)): Promise<Identity> {
  return authenticate(sent, deps, AbortSignal.timeout(10_000))
}

export interface ToSign {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string
  region?: string
  signQuery?: boolean
  extraHeadersToIgnore?: Record<string, boolean>
}

/** Signed by aws4, which shares nothing with us. */
export function signByAws4(what: ToSign = {}): SignedRequest {
  const date = what.signQuery ? {} : { 'X-Amz-Date': '20130524T000000Z' }
  const path = what.signQuery ? withDate(what.path ?? '/bucket/key') : (what.path ?? '/bucket/key')
  const signed = aws4.sign(
    {
      service: 's3',
      region: 'us-east-1',
      method: 'GET',
      ...what,
      path,
      headers: { Host: 'localhost:8080', ...date, ...what.headers },
    } as aws4.Request,
    { accessKeyId: key.accessKeyId, secretAccessKey: key.secretAccessKey },
  )
  const headers = signed.headers as Record<string, string>
  return request(signed.method ?? 'GET', signed.path ?? '/', headers)
}

function withDate(path: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}X-Amz-Date=20130524T000000Z`
}

/** HMAC-SHA1 in base64 over the given lines: SigV2. */
export function sha1Signature(stringToSign: string): string {
  return createHmac('sha1', key.secretAccessKey).update(stringToSign).digest('base64')
}

/** The request with some headers put, or taken away where undefined. */
export function withHeaders(sent: SignedRequest, changes: Record<string, string | undefined>): SignedRequest {
  const rawHeaders: string[] = []
  for (let i = 0; i < sent.rawHeaders.length; i += 2) {
    const name = sent.rawHeaders[i] as string
    if (!(name.toLowerCase() in changes)) rawHeaders.push(name, sent.rawHeaders[i + 1] as string)
  }
  for (const [name, value] of Object.entries(changes)) if (value !== undefined) rawHeaders.push(name, value)
  return { ...sent, rawHeaders }
}
