import { randomBytes } from 'node:crypto'
import { S3Client, type S3ClientConfig, type S3ServiceException } from '@aws-sdk/client-s3'
import type { Test } from 'tap'
import { sha256 } from './bytes.ts'
import { emptyBucket } from './empty-bucket.ts'
import { EMPTY_SHA256, signHeaders, type ToSign } from './sign.ts'
import { type Credentials, findTarget, releaseTarget, type Target } from './target.ts'
import { exchange, type WireRequest, type WireResponse } from './wire.ts'

/** What a test file needs: a target, a client, a bucket of its own, and signed requests by hand. */
export interface Suite {
  target: Target
  s3: S3Client
  /** A bucket for the file; removed with its contents at the end. */
  bucket: string
  newBucket(): Promise<string>
  /** A name that is not taken; if it becomes a bucket, it is removed at the end. */
  newBucketName(): string
  client(config?: S3ClientConfig): S3Client
  /** A client of the second account; the test fails when the target has none. */
  otherClient(): S3Client
  other(): Credentials
  /** The key with the policy of limited-key.json; the test fails when the target has none. */
  limited(): Credentials
  /** A signed request, sent byte by byte. Content-Length and payload hash come of `body` unless the headers say otherwise. */
  send(request: SignedRequest): Promise<WireResponse>
}

export interface SignedRequest extends Omit<ToSign, 'payload'>, Omit<WireRequest, 'headers' | 'body'> {
  body?: Uint8Array | string
  payload?: string
}

export async function openSuite(t: Test): Promise<Suite> {
  const target = await findTarget()
  const clients: S3Client[] = []
  const names: string[] = []
  const client = (config: S3ClientConfig = {}) => {
    const made = newClient(target, config)
    clients.push(made)
    return made
  }
  const s3 = client()
  t.teardown(async () => {
    for (const name of names) await emptyBucket(s3, name)
    for (const one of clients) one.destroy()
    await releaseTarget()
  })
  const newBucketName = () => {
    const name = `conf-${randomBytes(8).toString('hex')}`
    names.push(name)
    return name
  }
  const newBucket = async () => {
    const name = newBucketName()
    const made = await sendSigned(target, { method: 'PUT', path: `/${name}` })
    if (made.status !== 200) throw new Error(`CreateBucket: ${made.status} ${made.body}`)
    return name
  }
  const other = () => {
    if (!target.other) throw new Error('this test needs CONFORMANCE_OTHER_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY')
    return target.other
  }
  const limited = () => {
    if (!target.limited) throw new Error('this test needs CONFORMANCE_LIMITED_ACCESS_KEY_ID and …_SECRET_ACCESS_KEY')
    return target.limited
  }
  return {
    target,
    s3,
    bucket: await newBucket(),
    newBucket,
    newBucketName,
    client,
    otherClient: () => client({ credentials: other() }),
    other,
    limited,
    send: (request) => sendSigned(target, request),
  }
}

function newClient(target: Target, config: S3ClientConfig): S3Client {
  return new S3Client({
    endpoint: target.endpoint.href,
    region: target.region,
    credentials: target.owner,
    forcePathStyle: true,
    maxAttempts: 1,
    ...config,
  })
}

async function sendSigned(target: Target, request: SignedRequest): Promise<WireResponse> {
  const { body, payload, headers: given = {}, awaitContinue, endEarly, ...rest } = request
  const data = typeof body === 'string' ? Buffer.from(body) : body
  const bodiless = data === undefined && (request.method === 'GET' || request.method === 'HEAD')
  const hasLength = Object.keys(given).some((name) => /^(content-length|transfer-encoding)$/i.test(name))
  const headers = signHeaders(target, {
    ...rest,
    headers: bodiless || hasLength ? given : { ...given, 'Content-Length': String(data?.length ?? 0) },
    payload: payload ?? (data ? sha256(data) : EMPTY_SHA256),
  })
  return await exchange(target.endpoint, {
    method: request.method,
    path: request.path,
    headers: Object.entries(headers),
    body: data ? [data] : [],
    ...(awaitContinue && { awaitContinue }),
    ...(endEarly && { endEarly }),
  })
}

/** A path-style path, every byte that is not unreserved percent-encoded, `/` kept. */
export function objectPath(bucket: string, key: string): string {
  return `/${bucket}/${key.split('/').map(encodeStrict).join('/')}`
}

/** RFC 3986: encodeURIComponent, and the five characters that it leaves. */
export function encodeStrict(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** The text of an XML element, entities decoded; undefined when it is not there. */
export function element(xml: Buffer | string, name: string): string | undefined {
  return elements(xml, name)[0]
}

export function elements(xml: Buffer | string, name: string): string[] {
  const found = String(xml).matchAll(new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>([^]*?)</${name}>)`, 'g'))
  return [...found].map(([, text]) => decodeEntities(text ?? ''))
}

function decodeEntities(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
    if (decimal) return String.fromCodePoint(Number(decimal))
    return named[name] ?? whole
  })
}

/** Asserts that an SDK call was refused with this status and code. Returns the error for more. */
export async function refused(
  t: Test,
  call: Promise<unknown>,
  status: number,
  code: string,
  message = `${status} ${code}`,
): Promise<S3ServiceException | undefined> {
  try {
    await call
  } catch (error) {
    const fault = error as S3ServiceException
    t.same([fault.$metadata?.httpStatusCode, fault.name], [status, code], message, { cause: fault })
    return fault
  }
  t.fail(`${message}: was accepted`)
  return undefined
}

/** Asserts that a wire answer is this S3 error, in the form that S3 gives it. */
export function refusedWire(
  t: Test,
  answer: WireResponse,
  status: number,
  code: string | RegExp,
  message?: string,
): void {
  const said = { status: answer.status, code: element(answer.body, 'Code') }
  t.match(said, { status, code }, message ?? `${status} ${code}`, { body: String(answer.body).slice(0, 600) })
}
