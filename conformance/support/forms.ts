import { createHmac } from 'node:crypto'
import { amzDate } from './sign.ts'
import type { Credentials, Target } from './target.ts'

/** Fields of a browser's form, in order. */
export type Fields = Record<string, string>

export interface FormPolicy {
  bucket: string
  /** Absent: every field may be as it is. */
  conditions?: readonly unknown[]
  expiration?: string
  credentials?: Credentials
}

/** The fields with a policy that covers them and its signature by SigV4. */
export function signForm(target: Target, fields: Fields, { bucket, conditions, ...given }: FormPolicy): Fields {
  const { accessKeyId, secretAccessKey } = given.credentials ?? target.owner
  const date = amzDate(new Date())
  const scope = [date.slice(0, 8), target.region, 's3', 'aws4_request']
  const signing = {
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': [accessKeyId, ...scope].join('/'),
    'x-amz-date': date,
  }
  const policy = encodePolicy({
    expiration: given.expiration ?? inAnHour(),
    conditions: [...(conditions ?? [{ bucket }, ...anyValue(fields)]), ...anyValue(signing)],
  })
  const key = scope.reduce<Buffer | string>((k, part) => hmac('sha256', k, part), `AWS4${secretAccessKey}`)
  return { ...fields, ...signing, policy, 'x-amz-signature': hmac('sha256', key, policy).toString('hex') }
}

/** The same by SigV2, as boto made it. */
export function signFormV2(target: Target, fields: Fields, { bucket, conditions, ...given }: FormPolicy): Fields {
  const { accessKeyId, secretAccessKey } = given.credentials ?? target.owner
  const policy = encodePolicy({
    expiration: given.expiration ?? inAnHour(),
    conditions: conditions ?? [{ bucket }, ...anyValue(fields)],
  })
  const signature = hmac('sha1', secretAccessKey, policy).toString('base64')
  return { ...fields, AWSAccessKeyId: accessKeyId, policy, signature }
}

export function encodePolicy(document: unknown): string {
  return Buffer.from(JSON.stringify(document)).toString('base64')
}

/** Conditions that let each field have any value. */
export function anyValue(fields: Fields): unknown[] {
  return Object.keys(fields).map((name) => ['starts-with', `$${name}`, ''])
}

export function inAnHour(): string {
  return new Date(Date.now() + 3_600_000).toISOString()
}

/** Sent as a browser sends it: the fields in order, then the file, then what follows it. */
export async function postForm(
  url: URL | string,
  fields: Fields,
  file: { bytes: Uint8Array | string; name?: string } | undefined,
  after: Fields = {},
): Promise<Response> {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  if (file) form.append('file', new File([file.bytes as string], file.name ?? 'file.bin'))
  for (const [name, value] of Object.entries(after)) form.append(name, value)
  return await fetch(url, { method: 'POST', body: form, redirect: 'manual' })
}

function hmac(algorithm: 'sha1' | 'sha256', key: Buffer | string, text: string): Buffer {
  return createHmac(algorithm, key).update(text).digest()
}
