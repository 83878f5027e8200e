import { createHash, createHmac } from 'node:crypto'
import { type Header, type HttpRequest, headerOf, percentCoded, withHeader } from './request.ts'

/** Signatures of whatever bytes a request is made of, by S3's own description; nothing of the store's code in it. */
export interface Key {
  accessKeyId: string
  secretAccessKey: string
}

export interface Signing {
  key: Key
  region: string
  atMs: number
  /** x-amz-content-sha256. */
  payload: string
}

/** Chains the signatures of an aws-chunked body's frames: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html */
export interface FrameSigner {
  frame(bytes: Buffer): string
  trailer(lines: string): string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
/** What a proxy may change, and what says nothing. */
const UNSIGNED = new Set(['connection', 'content-length', 'expect', 'transfer-encoding', 'user-agent'])

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function signInHeader(plain: HttpRequest, signing: Signing): HttpRequest {
  const dated = withHeader(plain, 'x-amz-date', amzDate(signing.atMs))
  const request = withHeader(dated, 'x-amz-content-sha256', signing.payload)
  const names = signedNames(request.headers)
  const { signature } = sign(request, names, signing)
  const credential = `${signing.key.accessKeyId}/${scopeOf(signing)}`
  const value = `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return withHeader(request, 'Authorization', value)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html */
export function signInQuery(plain: HttpRequest, signing: Signing, expires = '900'): HttpRequest {
  const names = signedNames(plain.headers)
  const added: Header[] = [
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${signing.key.accessKeyId}/${scopeOf(signing)}`],
    ['X-Amz-Date', amzDate(signing.atMs)],
    ['X-Amz-Expires', expires],
    ['X-Amz-SignedHeaders', names.join(';')],
  ]
  const request = withParameters(plain, added)
  return withParameters(request, [['X-Amz-Signature', sign(request, names, signing).signature]])
}

/** SigV2, as boto3 presigns by default. For requests whose query holds nothing that SigV2 signs. */
export function signInQueryV2(plain: HttpRequest, { key, atMs }: Signing, seconds = 900): HttpRequest {
  const expires = String(Math.floor(atMs / 1000) + seconds)
  const amz = plain.headers.filter(([name]) => name.toLowerCase().startsWith('x-amz-'))
  const lines = amz.map(([name, value]) => `${name.toLowerCase()}:${value}\n`).sort()
  const path = plain.target.split('?', 1)[0]!
  const [md5 = '', type = ''] = [headerOf(plain, 'content-md5'), headerOf(plain, 'content-type')]
  const text = `${plain.method}\n${md5}\n${type}\n${expires}\n${lines.join('')}${path}`
  const signature = createHmac('sha1', key.secretAccessKey).update(Buffer.from(text, 'latin1')).digest('base64')
  return withParameters(plain, [
    ['AWSAccessKeyId', key.accessKeyId],
    ['Expires', expires],
    ['Signature', signature],
  ])
}

/** For the frames of a request that `signInHeader` signed. */
export function frameSigner(request: HttpRequest, signing: Signing): FrameSigner {
  const timestamp = amzDate(signing.atMs)
  const key = signingKey(signing)
  let previous = /Signature=([0-9a-f]{64})/.exec(headerOf(request, 'authorization')!)![1]!
  const chain = (algorithm: string, ...digests: string[]) => {
    const text = [algorithm, timestamp, scopeOf(signing), previous, ...digests].join('\n')
    previous = hmac(key, text).toString('hex')
    return previous
  }
  return {
    frame: (bytes) => chain('AWS4-HMAC-SHA256-PAYLOAD', sha256(''), sha256(bytes)),
    trailer: (lines) => chain('AWS4-HMAC-SHA256-TRAILER', sha256(lines)),
  }
}

export function sha256(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export function amzDate(ms: number): string {
  return new Date(ms).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
}

function sign(request: HttpRequest, names: readonly string[], signing: Signing): { signature: string } {
  const [path = '', query] = splitOnce(request.target, '?')
  const lines = names.map((name) => `${name}:${signedValue(request.headers, name)}\n`).join('')
  const parts = [
    request.method,
    recoded(path, '/'),
    canonicalQuery(query ?? ''),
    lines,
    names.join(';'),
    signing.payload,
  ]
  const digest = sha256(Buffer.from(parts.join('\n'), 'latin1'))
  const text = [ALGORITHM, amzDate(signing.atMs), scopeOf(signing), digest].join('\n')
  return { signature: hmac(signingKey(signing), text).toString('hex') }
}

function signedNames(headers: readonly Header[]): string[] {
  const names = headers.map(([name]) => name.toLowerCase()).filter((name) => !UNSIGNED.has(name))
  return [...new Set(names)].sort()
}

function signedValue(headers: readonly Header[], name: string): string {
  const values = headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
  return values.map((value) => value.replaceAll(/^[ \t]+|[ \t]+$/g, '').replaceAll(/[ \t]+/g, ' ')).join(',')
}

function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter((pair) => pair !== '')
  const coded = pairs.map((pair) => {
    const [name = '', value = ''] = splitOnce(pair.replaceAll('+', '%20'), '=')
    return `${recoded(name)}=${recoded(value)}`
  })
  return coded.sort((a, b) => compareParts(a.split('='), b.split('='))).join('&')
}

function compareParts([nameA, valueA]: string[], [nameB, valueB]: string[]): number {
  if (nameA !== nameB) return nameA! < nameB! ? -1 : 1
  return valueA! < valueB! ? -1 : valueA! > valueB! ? 1 : 0
}

/** Whatever coding it came in, in the one that is signed; as it came where it is none. */
function recoded(text: string, keep = ''): string {
  if (/%(?![0-9a-f]{2})/i.test(text)) return text
  const bytes = text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return percentCoded(bytes, keep)
}

function withParameters(request: HttpRequest, added: readonly Header[]): HttpRequest {
  const coded = added.map(([name, value]) => `${name}=${percentCoded(value)}`).join('&')
  return { ...request, target: `${request.target}${request.target.includes('?') ? '&' : '?'}${coded}` }
}

function splitOnce(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)]
}

function scopeOf({ region, atMs }: Signing): string {
  return `${amzDate(atMs).slice(0, 8)}/${region}/s3/aws4_request`
}

function signingKey(signing: Signing): Buffer {
  const pieces = scopeOf(signing).split('/')
  return pieces.reduce<Buffer>((key, piece) => hmac(key, piece), Buffer.from(`AWS4${signing.key.secretAccessKey}`))
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
