import type { Clock } from '../../base/clock.ts'
import { isFault, StoreFault } from '../../base/faults.ts'
import type { AccessKey } from '../../base/model.ts'
import { bucketOfHost } from '../names/host.ts'
import { splitTarget } from '../names/percent.ts'
import { onlyValue, type QueryParameter, readQuery } from './canonical-query.ts'
import { collectHeaders, type SentHeaders } from './headers.ts'
import { type PayloadMode, parsePayloadMode } from './payload-mode.ts'
import type { SignedRequest } from './request.ts'
import { requestTime } from './request-time.ts'
import { type SigV2Claim, verifySigV2 } from './sigv2.ts'
import { type SignedParts, type SigV4Claim, verifySigV4 } from './sigv4.ts'
import { readHeaderClaim, SIGV4_SCHEME } from './sigv4-header.ts'
import { readQueryClaim } from './sigv4-query.ts'

export type { PayloadMode } from './payload-mode.ts'

export type Identity =
  | { kind: 'anonymous'; payload: PayloadMode }
  | {
      kind: 'account'
      accessKey: AccessKey
      via: 'header' | 'query' | 'query-v2' | 'header-v2' | 'form'
      payload: PayloadMode
    }

export interface AuthenticateDeps {
  findAccessKey(id: string, signal: AbortSignal): Promise<AccessKey | undefined>
  clock: Clock
  region: string
  /** SigV2: refused, in the query only, or in the header too. */
  sigV2: 'off' | 'presigned' | 'all'
  /** Domains of virtual-host style, as in SEXTANT_DOMAIN: SigV2 signs the bucket that the Host header names. */
  domains?: readonly string[]
}

/**
 * Who sent this request, proven; and how its body is proven, which src/s3api/body then does. Anonymous only where the
 * request does not try to sign. Nothing here allows anything: that is for policy.
 * Faults: AccessDenied, AuthorizationHeaderMalformed, AuthorizationQueryParametersError, ExpiredToken, InvalidAccessKeyId,
 * InvalidArgument, InvalidRequest, InvalidToken, InvalidURI, MissingSecurityHeader, NotImplemented, RequestTimeTooSkewed,
 * SignatureDoesNotMatch; and what findAccessKey throws.
 */
export async function authenticate(
  request: SignedRequest,
  deps: AuthenticateDeps,
  signal: AbortSignal,
): Promise<Identity> {
  if (!TOKEN.test(request.method) || NOT_IN_TARGET.test(request.target)) {
    throw new StoreFault('InvalidURI', { uri: splitTarget(request.target).path.slice(0, 1024) })
  }
  const headers = collectHeaders(request.rawHeaders)
  const parameters = readQuery(splitTarget(request.target).query)
  const parts = { request, headers, parameters }
  const scheme = schemeOf(headers, parameters)
  refuseToken(headers, parameters)
  switch (scheme) {
    case 'none':
      return { kind: 'anonymous', payload: parsePayloadMode(headers.get('x-amz-content-sha256'), undefined) }
    case 'v4-header':
      return await byV4(parts, 'header', readHeaderClaim(headers, here(deps)), deps, signal)
    case 'v4-query':
      return await byV4(parts, 'query', readQueryClaim(parameters, headers, here(deps)), deps, signal)
    case 'v2-header':
      return await byV2(parts, readV2Header(headers, deps), deps, signal)
    case 'v2-query':
      return await byV2(parts, readV2Query(parameters, deps), deps, signal)
  }
}

type Scheme = 'none' | 'v4-header' | 'v4-query' | 'v2-header' | 'v2-query'

/** The one mechanism that the request uses. Faults: InvalidArgument (several, or an unknown one), NotImplemented. */
function schemeOf(headers: SentHeaders, parameters: readonly QueryParameter[]): Scheme {
  const authorization = headers.get('authorization')
  if (parameters.length === 0) return authorization === undefined ? 'none' : headerScheme(authorization)
  const schemes: Scheme[] = []
  if (authorization !== undefined) schemes.push(headerScheme(authorization))
  if (parameters.some(({ name }) => V4_PARAMETERS.has(name))) schemes.push('v4-query')
  if (parameters.some(({ name }) => V2_PARAMETERS.has(name))) schemes.push('v2-query')
  if (schemes.length > 1) {
    throw new StoreFault('InvalidArgument', {
      name: 'Authorization',
      reason:
        'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    })
  }
  return schemes[0] ?? 'none'
}

function headerScheme(authorization: string): Scheme {
  if (authorization.startsWith(SIGV4_SCHEME)) return 'v4-header'
  if (authorization.startsWith('AWS ')) return 'v2-header'
  if (authorization.startsWith('AWS4-ECDSA-'))
    throw new StoreFault('NotImplemented', { feature: 'Signature Version 4A' })
  // The value stays unsaid: it may be somebody's password or token.
  throw new StoreFault('InvalidArgument', { name: 'Authorization', reason: 'Unsupported Authorization Type' })
}

/** There are no temporary credentials; a token that nobody checks must not look as if it had been. */
function refuseToken(headers: SentHeaders, parameters: readonly QueryParameter[]): void {
  const isThere =
    headers.has('x-amz-security-token') ||
    parameters.some(({ name }) => name.length === 20 && name.toLowerCase() === 'x-amz-security-token')
  if (isThere) throw new StoreFault('InvalidToken', {})
}

async function byV4(
  parts: SignedParts,
  via: 'header' | 'query',
  claim: SigV4Claim,
  deps: AuthenticateDeps,
  signal: AbortSignal,
): Promise<Identity> {
  const accessKey = await findKey(claim.credential.accessKeyId, deps, signal)
  const signing = bySecretOf(accessKey, deps.clock, (key) => verifySigV4(parts, claim, key))
  return { kind: 'account', accessKey, via, payload: parsePayloadMode(claim.contentSha256, signing) }
}

async function byV2(
  parts: SignedParts,
  claim: SigV2Claim,
  deps: AuthenticateDeps,
  signal: AbortSignal,
): Promise<Identity> {
  const bucket = bucketOfHost(parts.headers.get('host'), deps.domains ?? [])
  const accessKey = await findKey(claim.accessKeyId, deps, signal)
  bySecretOf(accessKey, deps.clock, (key) => verifySigV2({ ...parts, bucket }, claim, key.secretAccessKey))
  const payload = parsePayloadMode(parts.headers.get('x-amz-content-sha256'), undefined)
  return { kind: 'account', accessKey, via: claim.via, payload }
}

/** `Authorization: AWS <access key>:<signature>` */
function readV2Header(headers: SentHeaders, deps: AuthenticateDeps): SigV2Claim {
  if (deps.sigV2 !== 'all') throw v2Refused()
  const found = /^AWS ([^:\s]+):(\S+)$/.exec(headers.get('authorization') as string)
  if (found === null) {
    throw new StoreFault('InvalidArgument', {
      name: 'Authorization',
      reason: 'AWS authorization header is invalid.  Expected AwsAccessKeyId:signature',
    })
  }
  requestTime(headers, deps.clock.nowMs())
  const date = headers.has('x-amz-date') ? '' : (headers.get('date') as string)
  return { accessKeyId: found[1] as string, signature: found[2] as string, date, via: 'header-v2' }
}

/** `?AWSAccessKeyId=…&Expires=<seconds since 1970>&Signature=…`; Expires has no upper bound in S3. */
function readV2Query(parameters: readonly QueryParameter[], deps: AuthenticateDeps): SigV2Claim {
  if (deps.sigV2 === 'off') throw v2Refused()
  const accessKeyId = onlyValue(parameters, 'AWSAccessKeyId')
  const date = onlyValue(parameters, 'Expires')
  // Base64 holds no blank: one was a `+` that its client did not escape.
  const signature = onlyValue(parameters, 'Signature')?.replaceAll(' ', '+')
  if (!(accessKeyId && date && signature)) {
    throw new StoreFault('AccessDenied', {
      reason: 'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    })
  }
  if (!/^\d{1,12}$/.test(date)) {
    throw new StoreFault('AccessDenied', { reason: 'Invalid date (should be seconds since epoch)' })
  }
  if (deps.clock.nowMs() > Number(date) * 1000) throw new StoreFault('AccessDenied', { reason: 'Request has expired' })
  return { accessKeyId, signature, date, via: 'query-v2' }
}

export function v2Refused(): StoreFault {
  return new StoreFault('InvalidRequest', {
    reason: 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  })
}

/** Faults: InvalidAccessKeyId (unknown, or disabled), ExpiredToken, which has SDKs ask for other credentials. */
export async function findKey(
  id: string,
  deps: Pick<AuthenticateDeps, 'findAccessKey' | 'clock'>,
  signal: AbortSignal,
): Promise<AccessKey> {
  const accessKey = ACCESS_KEY_ID.test(id) ? await deps.findAccessKey(id, signal) : undefined
  if (accessKey === undefined) throw new StoreFault('InvalidAccessKeyId', { accessKeyId: id.slice(0, 128) })
  if (accessKey.expiresAt !== undefined && accessKey.expiresAt.getTime() <= deps.clock.nowMs()) {
    throw new StoreFault('ExpiredToken', {})
  }
  return accessKey
}

/** Verifies by the key's secret, and by the one that it had before for as long as that is good. What `verify` throws. */
export function bySecretOf<T>(accessKey: AccessKey, clock: Clock, verify: (key: AccessKey) => T): T {
  const { former } = accessKey
  if (former === undefined || former.until.getTime() <= clock.nowMs()) return verify(accessKey)
  try {
    return verify(accessKey)
  } catch (error) {
    if (!isFault(error, 'SignatureDoesNotMatch')) throw error
    return verify(former.key)
  }
}

function here(deps: AuthenticateDeps): { region: string; nowMs: number } {
  return { region: deps.region, nowMs: deps.clock.nowMs() }
}

const TOKEN = /^[A-Z]{1,32}$/
/** Blanks and control characters never come in a request line; in what is signed they could pass for another line. */
const NOT_IN_TARGET = /[\0-\x20\x7f\u0100-\uffff]/
/** Bounds what is looked up; PostgreSQL takes no NUL. */
const ACCESS_KEY_ID = /^[\x21-\x7e]{1,128}$/
const V4_PARAMETERS = new Set(['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature'])
const V2_PARAMETERS = new Set(['AWSAccessKeyId', 'Signature'])
