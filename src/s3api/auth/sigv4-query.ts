import { StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import { parseAmzDate } from '../names/http-date.ts'
import { decodeCanonical, onlyValue, type QueryParameter } from './canonical-query.ts'
import { parseCredential, parseSignedHeaders } from './credential.ts'
import type { SentHeaders } from './headers.ts'
import type { SigV4Claim } from './sigv4.ts'

/**
 * Reads a presigned URL: X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders, -Signature.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * Faults: AuthorizationQueryParametersError, InvalidArgument (a parameter twice), NotImplemented (SigV4A),
 * AccessDenied (expired, not yet valid).
 */
export function readQueryClaim(
  parameters: readonly QueryParameter[],
  headers: SentHeaders,
  here: { region: string; nowMs: number },
): SigV4Claim {
  const [algorithm, credentialText, timestamp, expires, headerList, signature] = NEEDED.map((name) =>
    onlyValue(parameters, name),
  )
  if (algorithm?.startsWith('AWS4-ECDSA-')) throw new StoreFault('NotImplemented', { feature: algorithm.slice(0, 64) })
  if (algorithm !== undefined && algorithm !== 'AWS4-HMAC-SHA256') {
    throw refused('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  if (!(algorithm && credentialText && timestamp && expires && headerList && signature)) {
    throw refused(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    )
  }
  const timeMs = parseAmzDate(timestamp)
  if (timeMs === undefined) throw refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
  const signedHeaders = parseSignedHeaders(headerList)
  if (signedHeaders === undefined) throw refused('X-Amz-SignedHeaders must be a list of lower-case header names')
  const credential = parseCredential(credentialText, { region: here.region, timestamp }, (reason, region) =>
    refused(`Error parsing the X-Amz-Credential parameter; ${reason}`, region),
  )
  checkWindow(timeMs, parseExpires(expires), here.nowMs)
  const contentSha256 = contentSha256Of(parameters, headers) ?? 'UNSIGNED-PAYLOAD'
  return { credential, signedHeaders, timestamp, signature, contentSha256 }
}

const NEEDED = [
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
] as const

/** Seconds, 1 to 604,800. */
function parseExpires(text: string): number {
  if (!/^-?\d+$/.test(text)) throw refused('X-Amz-Expires should be a number')
  const seconds = Number(text)
  if (seconds < 1) throw forbidden('X-Amz-Expires must be at least 1')
  if (seconds > limits.presignedSecondsMax) {
    throw forbidden(
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    )
  }
  return seconds
}

function checkWindow(timeMs: number, seconds: number, nowMs: number): void {
  if (timeMs - nowMs > limits.clockSkewMsMax) {
    throw new StoreFault('AccessDenied', { reason: 'Request is not yet valid' })
  }
  if (nowMs > timeMs + seconds * 1000) throw new StoreFault('AccessDenied', { reason: 'Request has expired' })
}

/** Some signers move x-amz-content-sha256 into the query. Where header and query both say it, they must agree. */
function contentSha256Of(parameters: readonly QueryParameter[], headers: SentHeaders): string | undefined {
  const values = parameters
    .filter((parameter) => parameter.name.toLowerCase() === 'x-amz-content-sha256')
    .map((parameter) => decodeCanonical(parameter.value ?? ''))
  const header = headers.get('x-amz-content-sha256')
  if (header !== undefined) values.push(header)
  if (new Set(values).size > 1) {
    throw new StoreFault('InvalidArgument', {
      name: 'x-amz-content-sha256',
      reason: 'x-amz-content-sha256 differs between its occurrences',
    })
  }
  return values[0]
}

function refused(reason: string, region?: string): StoreFault {
  return new StoreFault('AuthorizationQueryParametersError', { reason, ...(region === undefined ? {} : { region }) })
}

function forbidden(reason: string): StoreFault {
  return new StoreFault('AuthorizationQueryParametersError', { reason, isForbidden: true })
}
