import { hash } from 'node:crypto'
import { StoreFault } from '../../base/faults.ts'
import type { AccessKey } from '../../base/model.ts'
import { canonicalPercent, splitTarget } from '../names/percent.ts'
import { canonicalQuery, type QueryParameter } from './canonical-query.ts'
import { collapseBlanks, type SentHeaders } from './headers.ts'
import type { ChunkSigning } from './payload-mode.ts'
import type { SignedRequest } from './request.ts'
import { isSignatureOf, signingKeyFor } from './signing-key.ts'

/** What a request says of its own signature; nothing of it is trusted yet. */
export interface SigV4Claim {
  credential: Credential
  /** Lower-case names, in the client's order. */
  signedHeaders: ReadonlySet<string>
  /** `20130524T000000Z`. */
  timestamp: string
  signature: string
  /** The last line of the canonical request. */
  contentSha256: string
}

/** Access key and scope, from `AKIA…/20130524/us-east-1/s3/aws4_request`. */
export interface Credential {
  accessKeyId: string
  date: string
  region: string
}

export interface SignedParts {
  request: SignedRequest
  headers: SentHeaders
  parameters: readonly QueryParameter[]
}

/**
 * Recomputes the signature over what came, and compares in constant time.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 *
 * The path is signed as S3 does: escaped once, no segment removed. What was escaped otherwise on the wire (`(` or `%28`,
 * `%7e` or `~`) is brought to the one canonical form; a client that signed its own spelling is heard too. Both bind the
 * decoded path, and nothing else.
 * Faults: AccessDenied (x-amz-* headers outside of the signature), SignatureDoesNotMatch, InvalidURI.
 */
export function verifySigV4(parts: SignedParts, claim: SigV4Claim, accessKey: AccessKey): ChunkSigning {
  refuseUnsignedHeaders(parts.headers, claim.signedHeaders)
  const { credential, timestamp } = claim
  const signingKey = signingKeyFor(accessKey, credential.date, credential.region)
  const scope = `${credential.date}/${credential.region}/s3/aws4_request`
  const sent = splitTarget(parts.request.target).path
  const path = canonicalPercent(sent, 'path')
  if (path === undefined) throw new StoreFault('InvalidURI', { uri: sent.slice(0, 1024) })
  const rest = canonicalRest(parts, claim)

  const canonicalRequest = `${parts.request.method}\n${path}\n${rest}`
  const stringToSign = stringToSignOf(timestamp, scope, canonicalRequest)
  const isAuthentic =
    isSignatureOf(signingKey, stringToSign, claim.signature) ||
    (sent !== path &&
      isSignatureOf(
        signingKey,
        stringToSignOf(timestamp, scope, `${parts.request.method}\n${sent}\n${rest}`),
        claim.signature,
      ))
  if (!isAuthentic)
    throw mismatch(credential.accessKeyId, { canonicalRequest, stringToSign, signature: claim.signature })
  return { accessKeyId: credential.accessKeyId, seedSignature: claim.signature, signingKey, timestamp, scope }
}

/** Canonical query, headers, signed headers and payload hash: what comes behind the path. */
function canonicalRest({ headers, parameters }: SignedParts, claim: SigV4Claim): string {
  let lines = ''
  for (const name of claim.signedHeaders) {
    const value = headers.get(name)
    // An absent header would sign like an empty one.
    if (value === undefined) throw mismatch(claim.credential.accessKeyId, { signature: claim.signature })
    lines += `${name}:${collapseBlanks(value)}\n`
  }
  return `${canonicalQuery(parameters, 'X-Amz-Signature')}\n${lines}\n${[...claim.signedHeaders].join(';')}\n${claim.contentSha256}`
}

/** Hashed as Latin-1: the very bytes that came. */
function stringToSignOf(timestamp: string, scope: string, canonicalRequest: string): string {
  return `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash('sha256', Buffer.from(canonicalRequest, 'latin1'), 'hex')}`
}

/** Host and every x-amz-* header must be signed, or anybody who holds the signature could add some. */
function refuseUnsignedHeaders(headers: SentHeaders, signed: ReadonlySet<string>): void {
  const unsigned: string[] = []
  if (!signed.has('host')) unsigned.push('host')
  for (const name of headers.keys()) {
    if (name.startsWith('x-amz-') && !signed.has(name)) unsigned.push(name)
  }
  if (unsigned.length === 0) return
  throw new StoreFault('AccessDenied', {
    reason: 'There were headers present in the request which were not signed',
    headersNotSigned: unsigned.slice(0, 20).join(', '),
  })
}

/** Says what was signed here, as S3 does; a customer's encryption key is never repeated. */
function mismatch(
  accessKeyId: string,
  signed: { canonicalRequest?: string; stringToSign?: string; signature: string },
): StoreFault {
  const { canonicalRequest, ...others } = signed
  const isTellable = canonicalRequest !== undefined && !/customer-key/i.test(canonicalRequest)
  return new StoreFault('SignatureDoesNotMatch', {
    accessKeyId,
    ...others,
    ...(isTellable ? { canonicalRequest } : {}),
  })
}
