import { assert, StoreFault } from '../../base/faults.ts'
import { limits } from '../../base/limits.ts'
import type { ObjectVersion } from '../../base/model.ts'
import type { ByteRange, FoundObject } from '../../engine/engine.ts'
import { checksumHeader, checksumHeaders } from '../checksums/algorithms.ts'
import { type CustomerKey, customerKey } from '../encryption/customer-key.ts'
import { encryptionHeaders } from '../encryption/encryption-headers.ts'
import { asText, headerOr, integerIn, objectKey, queryOr } from '../fields.ts'
import type { TellExpiration } from '../lifecycle/tell-expiration.ts'
import { parseByteRange } from '../names/byte-range.ts'
import type { Call, Reply, ReplyHeaders } from '../operation.ts'
import { notModifiedHeaders, objectHeaders } from './object-headers.ts'
import { isRangeCurrent, judgeConditions, type ReadConditions, readConditions } from './read-conditions.ts'
import { responseOverrides } from './response-overrides.ts'
import { versionId } from './version.ts'

/** What GetObject and HeadObject are asked alike. */
export const readInputs = {
  key: objectKey,
  versionId,
  range: headerOr('range', asText, undefined),
  ifRange: headerOr('if-range', asText, undefined),
  partNumber: queryOr('partNumber', integerIn(1, limits.partNumberMax), undefined),
  checksumMode: headerOr('x-amz-checksum-mode', (text) => text.trim().toUpperCase() === 'ENABLED', false),
  conditions: readConditions,
  overrides: responseOverrides,
  customerKey,
}

export interface ReadInput {
  key: string
  versionId: string | undefined
  range: string | undefined
  ifRange: string | undefined
  partNumber: number | undefined
  checksumMode: boolean
  conditions: ReadConditions
  overrides: ReplyHeaders
  customerKey: CustomerKey | undefined
}

/**
 * The answer to a GET but for its bytes; HEAD sends as much. `range` is what to read; undefined: nothing.
 * Faults: those of `existing`, PreconditionFailed, InvalidRange, InvalidPartNumber, InvalidRequest.
 */
export function planRead(
  { clock, identity }: Pick<Call, 'clock' | 'identity'>,
  found: FoundObject,
  input: ReadInput,
  tellExpiration: TellExpiration,
): { reply: Reply<never>; range: ByteRange | undefined; sizeBytes: number } {
  const object = existing(found, input)
  if (judgeConditions(input.conditions, object, clock) === 'not modified') {
    return { reply: { status: 304, headers: notModifiedHeaders(object, found.bucket) }, range: undefined, sizeBytes: 0 }
  }
  if (identity.kind === 'anonymous' && Object.keys(input.overrides).length > 0) {
    throw new StoreFault('InvalidRequest', {
      reason: 'Request specific response headers cannot be used for anonymous GET requests.',
    })
  }
  const piece = pieceOf(object, input, isRangeCurrent(input.ifRange, object, clock))
  const encrypted = encryptionHeaders(object.extras?.encryption, input.customerKey)
  // Of a version that is named nobody knows here whether it is the current one.
  const expiration = input.versionId === undefined ? tellExpiration(object) : {}
  const headers = {
    ...objectHeaders(object, found.bucket),
    ...encrypted,
    ...expiration,
    ...input.overrides,
    ...piece.headers,
  }
  const sizeBytes = piece.range ? piece.range.last - piece.range.first + 1 : 0
  return { reply: { status: piece.status, headers }, range: piece.range, sizeBytes }
}

/** Faults: NoSuchKey, NoSuchVersion; MethodNotAllowed, when the version that is named is a delete marker. */
export function existing(
  { object, marker }: FoundObject,
  { key, versionId }: { key: string; versionId: string | undefined },
): ObjectVersion {
  if (object) return object
  if (marker) {
    if (versionId === undefined) throw new StoreFault('NoSuchKey', { key, marker })
    throw new StoreFault('MethodNotAllowed', { method: 'GET', resource: 'DeleteMarker', marker })
  }
  if (versionId !== undefined) throw new StoreFault('NoSuchVersion', { key, versionId })
  throw new StoreFault('NoSuchKey', { key })
}

interface Piece {
  status: 200 | 206
  range: ByteRange | undefined
  headers: ReplyHeaders
}

function pieceOf(object: ObjectVersion, input: ReadInput, isRangeAsked: boolean): Piece {
  const { sizeBytes } = object
  if (input.partNumber !== undefined) {
    if (input.range !== undefined) {
      throw new StoreFault('InvalidRequest', {
        reason: 'Cannot specify both Range header and partNumber query parameter',
      })
    }
    return partOf(object, input.partNumber, input.checksumMode)
  }
  const range = isRangeAsked ? parseByteRange(input.range, sizeBytes) : undefined
  // The checksum is of the whole object: with a range it would only mislead.
  if (range) return { status: 206, range, headers: { 'Content-Range': contentRange(range, sizeBytes) } }
  const headers = input.checksumMode ? checksumHeaders(object.checksum) : {}
  return { status: 200, range: wholeOf(0, sizeBytes), headers }
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, partNumber: «effectively a ranged GET» of that part. */
function partOf(object: ObjectVersion, number: number, showsChecksum: boolean): Piece {
  const { parts, sizeBytes, isMultipart, checksum } = object
  let first = 0
  for (const part of parts) {
    if (part.number === number) {
      const range = wholeOf(first, part.sizeBytes)
      const headers = {
        'x-amz-mp-parts-count': isMultipart ? parts.length : undefined,
        'Content-Range': range && contentRange(range, sizeBytes),
        ...(showsChecksum && checksum && part.checksum !== undefined && partChecksum(object, part.checksum)),
      }
      return { status: range ? 206 : 200, range, headers }
    }
    first += part.sizeBytes
  }
  if (number === 1 && parts.length === 0) return { status: 200, range: undefined, headers: {} }
  throw new StoreFault('InvalidPartNumber', { partNumber: number, parts: parts.length })
}

function partChecksum({ checksum }: ObjectVersion, value: string): ReplyHeaders {
  assert(checksum, 'a part has a checksum only when its object has one')
  return { [checksumHeader(checksum.algorithm)]: value, 'x-amz-checksum-type': checksum.type }
}

function wholeOf(first: number, sizeBytes: number): ByteRange | undefined {
  return sizeBytes === 0 ? undefined : { first, last: first + sizeBytes - 1 }
}

function contentRange({ first, last }: ByteRange, sizeBytes: number): string {
  return `bytes ${first}-${last}/${sizeBytes}`
}
