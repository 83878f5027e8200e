import { StoreFault } from '../../base/faults.ts'
import type { ChecksumAlgorithm } from '../../base/model.ts'
import type { BodyClaims, ClaimedChecksum } from '../../engine/engine.ts'
import type { OpenedBody } from '../body/open-body.ts'
import { headerOf, type RequestHead } from '../request-head.ts'
import { algorithms, checksumHeader, isChecksumValue, parseAlgorithm } from './algorithms.ts'

/**
 * What the headers promise about the body: Content-MD5, and at most one checksum, whose value stands in a header or
 * comes in a trailer. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 * Faults: InvalidDigest (Content-MD5 is none), InvalidRequest (malformed, several, or named but not sent).
 */
export function readClaims(head: RequestHead, body: Pick<OpenedBody, 'trailers'>): Omit<BodyClaims, 'sizeBytes'> {
  return { md5: readMd5(head), checksum: readChecksum(head, body) }
}

function readMd5(head: RequestHead): Buffer | undefined {
  const value = headerOf(head, 'content-md5')
  if (value === undefined) return undefined
  const md5 = Buffer.from(value, 'base64')
  if (md5.length !== 16 || md5.toString('base64') !== value.trim()) throw new StoreFault('InvalidDigest', { value })
  return md5
}

function readChecksum(head: RequestHead, body: Pick<OpenedBody, 'trailers'>): ClaimedChecksum | undefined {
  const given = givenChecksum(head)
  const trailer = trailerChecksum(head)
  if (given && trailer) throw several()
  const named = headerOf(head, 'x-amz-sdk-checksum-algorithm')
  const algorithm = given?.algorithm ?? trailer
  if (named !== undefined) checkNamed(named, algorithm)
  if (given) return { algorithm: given.algorithm, expected: () => given.value }
  return trailer && { algorithm: trailer, expected: () => trailerValue(trailer, body.trailers()) }
}

/** The one `x-amz-checksum-<algorithm>` header, if any. Faults: InvalidRequest. */
export function givenChecksum(head: RequestHead): { algorithm: ChecksumAlgorithm; value: string } | undefined {
  const found = algorithms.filter((algorithm) => headerOf(head, checksumHeader(algorithm)) !== undefined)
  if (found.length > 1) throw several()
  const [algorithm] = found
  if (algorithm === undefined) return undefined
  const value = headerOf(head, checksumHeader(algorithm))!.trim()
  if (!isChecksumValue(algorithm, value)) throw invalidValue(algorithm, 'header')
  return { algorithm, value }
}

function trailerChecksum(head: RequestHead): ChecksumAlgorithm | undefined {
  const names = (headerOf(head, 'x-amz-trailer') ?? '').toLowerCase().split(',')
  const found = algorithms.filter((algorithm) => names.some((name) => name.trim() === checksumHeader(algorithm)))
  if (found.length > 1) throw several()
  return found[0]
}

function trailerValue(algorithm: ChecksumAlgorithm, trailers: Readonly<Record<string, string>>): string {
  const value = trailers[checksumHeader(algorithm)]?.trim()
  if (value === undefined || !isChecksumValue(algorithm, value)) throw invalidValue(algorithm, 'trailing header')
  return value
}

function checkNamed(named: string, algorithm: ChecksumAlgorithm | undefined): void {
  if (algorithm === undefined) {
    parseAlgorithm(named, 'x-amz-sdk-checksum-algorithm')
    throw new StoreFault('InvalidRequest', {
      reason:
        'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    })
  }
  if (parseAlgorithm(named, 'x-amz-sdk-checksum-algorithm') !== algorithm) {
    throw new StoreFault('InvalidRequest', { reason: 'Value for x-amz-sdk-checksum-algorithm header is invalid.' })
  }
}

function several(): StoreFault {
  return new StoreFault('InvalidRequest', {
    reason: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  })
}

function invalidValue(algorithm: ChecksumAlgorithm, where: string): StoreFault {
  return new StoreFault('InvalidRequest', { reason: `Value for ${checksumHeader(algorithm)} ${where} is invalid.` })
}
