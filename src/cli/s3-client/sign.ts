import { createHash, createHmac } from 'node:crypto'
import { canonicalPercent } from '../../s3api/names/percent.ts'

export interface S3Credentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

export interface Unsigned {
  method: string
  /** As `pathOf` and `queryOf` write them. */
  path: string
  query: string
  /** Lower-case names; values as they travel: one character a byte. All of them are signed. */
  headers: Record<string, string>
  /** SHA-256 in hex, or S3's word for none. */
  contentSha256: string
}

/** Signs requests, version 4: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export class Signer {
  readonly #credentials: S3Credentials
  readonly #region: string
  /** Of one day; to make it takes four of the five HMACs of a request. */
  #dayKey: { day: string; key: Buffer } | undefined

  constructor(credentials: S3Credentials, region: string) {
    this.#credentials = credentials
    this.#region = region
  }

  /** The headers with a signature. Hashed as Latin-1, so that metadata of any coding is signed as it travels. */
  sign({ method, path, query, headers, contentSha256 }: Unsigned, nowMs: number): Record<string, string> {
    const { accessKeyId, sessionToken } = this.#credentials
    const timestamp = new Date(nowMs).toISOString().replace(/[:-]|\.\d{3}/g, '')
    const all: Record<string, string> = { ...headers, 'x-amz-content-sha256': contentSha256, 'x-amz-date': timestamp }
    if (sessionToken !== undefined) all['x-amz-security-token'] = sessionToken
    const names = Object.keys(all).sort()
    const lines = names.map((name) => `${name}:${all[name]!.trim().replace(/\s+/g, ' ')}\n`).join('')
    const canonical = `${method}\n${path}\n${query}\n${lines}\n${names.join(';')}\n${contentSha256}`
    const scope = [timestamp.slice(0, 8), this.#region, 's3', 'aws4_request']
    const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope.join('/')}\n${sha256(Buffer.from(canonical, 'latin1'))}`
    const signature = createHmac('sha256', this.#keyOf(scope)).update(toSign).digest('hex')
    return {
      ...all,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope.join('/')}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
    }
  }

  #keyOf(scope: readonly string[]): Buffer {
    const day = scope[0]!
    if (this.#dayKey?.day === day) return this.#dayKey.key
    const key = scope.reduce(
      (secret, text) => createHmac('sha256', secret).update(text).digest(),
      Buffer.from(`AWS4${this.#credentials.secretAccessKey}`),
    )
    this.#dayKey = { day, key }
    return key
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Of a bucket (`key` empty) or an object, escaped as it is signed. */
export function pathOf(bucket: string, key: string): string {
  return escaped(key === '' ? `/${bucket}` : `/${bucket}/${key}`, 'path')
}

/** Without the `?`, sorted as it is signed. */
export function queryOf(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${escaped(name, 'query')}=${escaped(value, 'query')}`)
    .sort()
    .join('&')
}

function escaped(text: string, where: 'path' | 'query'): string {
  return canonicalPercent(encodeURIComponent(text), where)!
}
