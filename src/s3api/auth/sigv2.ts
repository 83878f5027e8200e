import { createHmac, timingSafeEqual } from 'node:crypto'
import { StoreFault } from '../../base/faults.ts'
import { canonicalPercent, splitTarget } from '../names/percent.ts'
import { decodeCanonical, type QueryParameter } from './canonical-query.ts'
import type { SentHeaders } from './headers.ts'
import type { SignedParts } from './sigv4.ts'

export interface SigV2Claim {
  accessKeyId: string
  /** Base64 of an HMAC-SHA1. */
  signature: string
  /** The fourth line of what is signed: Expires (seconds), or the Date header, or empty where x-amz-date is signed. */
  date: string
  via: 'query-v2' | 'header-v2'
}

/**
 * SigV2: https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
 * It leaves most of the query unsigned; parameters outside of its list that could change what is done are therefore refused.
 * `bucket` is the one that the Host header names, if any.
 * Faults: SignatureDoesNotMatch, AccessDenied (parameters that SigV2 does not cover), InvalidArgument.
 */
export function verifySigV2(
  parts: SignedParts & { bucket: string | undefined },
  claim: SigV2Claim,
  secretAccessKey: string,
): void {
  refuseUncovered(parts.parameters, claim.via)
  const prefix = parts.bucket === undefined ? '' : `/${parts.bucket}`
  const headers = claim.via === 'query-v2' ? withQueryHeaders(parts.headers, parts.parameters) : parts.headers
  const head = `${parts.request.method}\n${headers.get('content-md5') ?? ''}\n${headers.get('content-type') ?? ''}\n${claim.date}\n${amzHeaderLines(headers)}${prefix}`
  const tail = subResources(parts.parameters)
  const { path } = splitTarget(parts.request.target)
  for (const form of pathForms(path, parts.bucket !== undefined)) {
    if (isSha1SignatureOf(secretAccessKey, head + form + tail, claim.signature)) return
  }
  const stringToSign = head + path + tail
  const isTellable = !/customer-key/i.test(stringToSign)
  throw new StoreFault('SignatureDoesNotMatch', {
    accessKeyId: claim.accessKeyId,
    signature: claim.signature.slice(0, 128),
    ...(isTellable ? { stringToSign } : {}),
  })
}

/** How clients sign one and the same path: as sent, in canonical escapes, and (boto) a bucket with a slash behind it. */
function pathForms(path: string, isVirtualHost: boolean): Set<string> {
  const forms = new Set([path])
  const canonical = canonicalPercent(path, 'path')
  if (canonical !== undefined) forms.add(canonical)
  if (!isVirtualHost && path.lastIndexOf('/') === 0 && path !== '/') forms.add(`${path}/`)
  return forms
}

/** Whether `signature` (base64) is the HMAC-SHA1 of the text, which has one character a byte. */
export function isSha1SignatureOf(secretAccessKey: string, stringToSign: string, signature: string): boolean {
  const expected = createHmac('sha1', secretAccessKey).update(Buffer.from(stringToSign, 'latin1')).digest()
  return BASE64_SHA1.test(signature) && timingSafeEqual(expected, Buffer.from(signature, 'base64'))
}

/** botocore moves x-amz-*, Content-Type and Content-MD5 into a presigned query, and signs them as headers. */
function withQueryHeaders(headers: SentHeaders, parameters: readonly QueryParameter[]): SentHeaders {
  const all = new Map(headers)
  for (const parameter of parameters) {
    const name = parameter.name.toLowerCase()
    if (!isMovedHeader(name)) continue
    const value = decodeCanonical(parameter.value ?? '')
    const before = all.get(name)
    if (UNSIGNABLE.test(value) || (before !== undefined && before !== value)) {
      throw new StoreFault('InvalidArgument', {
        name,
        reason: `${name} in the query differs from the header, or is no header`,
      })
    }
    all.set(name, value)
  }
  return all
}

function isMovedHeader(name: string): boolean {
  return name.startsWith('x-amz-') || name === 'content-type' || name === 'content-md5'
}

function amzHeaderLines(headers: SentHeaders): string {
  const names = [...headers.keys()].filter((name) => name.startsWith('x-amz-')).sort()
  return names.map((name) => `${name}:${headers.get(name)}\n`).join('')
}

/** `?acl&versionId=3`: the signed parameters by name, with decoded values. */
function subResources(parameters: readonly QueryParameter[]): string {
  const signed = parameters
    .filter((parameter) => SIGNED.has(parameter.name))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  if (new Set(signed.map((parameter) => parameter.name)).size !== signed.length) {
    throw new StoreFault('InvalidArgument', { name: 'query', reason: 'Query parameters must not be repeated' })
  }
  const texts = signed.map(({ name, value }) => {
    if (value === undefined) return name
    const decoded = decodeCanonical(value)
    // Unescaped, a value could pass for the parameters behind it.
    for (const next of decoded.split('&').slice(1)) {
      if (SIGNED.has(next.split('=', 1)[0] as string)) {
        throw new StoreFault('InvalidArgument', { name, reason: 'A value must not contain a signed parameter' })
      }
    }
    return `${name}=${latin1Of(decoded)}`
  })
  return texts.length === 0 ? '' : `?${texts.join('&')}`
}

/** The text's UTF-8 bytes as characters, for all that is signed is hashed as Latin-1. */
function latin1Of(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function refuseUncovered(parameters: readonly QueryParameter[], via: SigV2Claim['via']): void {
  for (const { name } of parameters) {
    const isCovered =
      SIGNED.has(name) ||
      HARMLESS.has(name) ||
      (via === 'query-v2' && (OWN.has(name) || isMovedHeader(name.toLowerCase())))
    if (isCovered) continue
    throw new StoreFault('AccessDenied', {
      reason: `The query parameter ${name.slice(0, 64)} cannot be used with Signature Version 2, which does not sign it`,
    })
  }
}

const BASE64_SHA1 = /^[A-Za-z0-9+/]{27}=$/
const UNSIGNABLE = /[\0\r\n\u0080-\uffff]/
const OWN = new Set(['AWSAccessKeyId', 'Expires', 'Signature'])
/** Parameters that S3 and its clients sign as part of the resource. */
const SIGNED = new Set(
  `accelerate acl analytics cors defaultObjectAcl delete encryption inventory legal-hold lifecycle location logging metrics
  notification object-lock partNumber policy replication requestPayment response-cache-control
  response-content-disposition response-content-encoding response-content-language response-content-type
  response-expires restore retention select select-type storageClass tagging torrent uploadId uploads versionId
  versioning versions website`.split(/\s+/),
)
/** Unsigned, as ever in SigV2: they choose pages of a listing, and no operation. */
const HARMLESS = new Set(
  `continuation-token delimiter encoding-type fetch-owner key-marker list-type marker max-keys max-parts max-uploads
  part-number-marker prefix start-after upload-id-marker version-id-marker x-id`.split(/\s+/),
)
