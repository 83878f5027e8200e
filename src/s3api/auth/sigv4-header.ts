import { StoreFault } from '../../base/faults.ts'
import { parseCredential, parseSignedHeaders } from './credential.ts'
import type { SentHeaders } from './headers.ts'
import { requestTime } from './request-time.ts'
import type { SigV4Claim } from './sigv4.ts'

/**
 * Reads `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`; the three in any order.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 * Faults: AuthorizationHeaderMalformed, MissingSecurityHeader, AccessDenied (no date), RequestTimeTooSkewed.
 */
export function readHeaderClaim(headers: SentHeaders, here: { region: string; nowMs: number }): SigV4Claim {
  const fields = readFields(headers.get('authorization') as string)
  const signedHeaders = parseSignedHeaders(fields.SignedHeaders)
  if (signedHeaders === undefined) throw malformed('the SignedHeaders list is mal-formed.')
  const contentSha256 = headers.get('x-amz-content-sha256')
  if (contentSha256 === undefined) throw new StoreFault('MissingSecurityHeader', { header: 'x-amz-content-sha256' })
  const { timestamp } = requestTime(headers, here.nowMs)
  const credential = parseCredential(fields.Credential, { region: here.region, timestamp }, malformed)
  return { credential, signedHeaders, timestamp, signature: fields.Signature, contentSha256 }
}

export const SIGV4_SCHEME = 'AWS4-HMAC-SHA256'

function readFields(authorization: string): { Credential: string; SignedHeaders: string; Signature: string } {
  const fields = { Credential: '', SignedHeaders: '', Signature: '' }
  for (const item of authorization.slice(SIGV4_SCHEME.length).split(',')) {
    const equals = item.indexOf('=')
    const name = item.slice(0, Math.max(equals, 0)).trim()
    if (!(name === 'Credential' || name === 'SignedHeaders' || name === 'Signature') || fields[name] !== '') {
      throw malformed('expecting Credential, SignedHeaders and Signature, each once.')
    }
    fields[name] = item.slice(equals + 1).trim()
  }
  if (fields.Credential === '') throw missing('Credential')
  if (fields.SignedHeaders === '') throw missing('SignedHeaders')
  if (fields.Signature === '') throw missing('Signature')
  return fields
}

function missing(name: string): StoreFault {
  return malformed(`missing equal-sign pair for ${name}.`)
}

function malformed(reason: string, region?: string): StoreFault {
  return new StoreFault('AuthorizationHeaderMalformed', {
    reason: `The authorization header is malformed; ${reason}`,
    ...(region === undefined ? {} : { region }),
  })
}
