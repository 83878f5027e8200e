import { StoreFault } from '../base/faults.ts'
import { checkEncryptionHeader, isEncryptionHeader } from './encryption/refuse-encryption.ts'
import { headerOf, type RequestHead } from './request-head.ts'
import type { S3Settings } from './settings.ts'

/** Headers that ask for what is not done. To pass one over would be to promise it: 501 instead. */
const REFUSED_PREFIXES = ['x-amz-object-lock-', 'x-amz-grant-']

/** By name, the values that ask for nothing beyond what is done anyway; others are refused. */
const HARMLESS_VALUES: Readonly<Record<string, readonly string[]>> = {
  'x-amz-acl': ['private', 'bucket-owner-full-control'],
  'x-amz-bucket-namespace': ['global'],
  'x-amz-checksum-md5': [],
  'x-amz-checksum-sha512': [],
  'x-amz-checksum-xxhash128': [],
  'x-amz-checksum-xxhash3': [],
  'x-amz-checksum-xxhash64': [],
  'x-amz-bucket-object-lock-enabled': ['false'],
  'x-amz-if-match-last-modified-time': [],
  'x-amz-if-match-size': [],
  'x-amz-object-ownership': ['bucketownerenforced'],
  'x-amz-rename-source': [],
  'x-amz-tagging': [''],
  'x-amz-tagging-directive': ['copy'],
  'x-amz-object-annotation-directive': ['copy'],
  'x-amz-write-offset-bytes': [],
}

/**
 * `known`: what the operation reads, and answers for itself. Faults: NotImplemented; InvalidArgument, InvalidRequest (of
 * encryption).
 */
export function refuseUnsupportedHeaders(head: RequestHead, known: ReadonlySet<string>, settings: S3Settings): void {
  for (const name in head.headers) {
    if (!name.startsWith('x-amz-')) continue
    if (isEncryptionHeader(name)) checkEncryptionHeader(name, { isTls: head.isTls, isKnown: known.has(name) }, settings)
    if (known.has(name)) continue
    const harmless = Object.hasOwn(HARMLESS_VALUES, name) ? HARMLESS_VALUES[name] : undefined
    const isRefused = harmless
      ? !harmless.includes((headerOf(head, name) ?? '').trim().toLowerCase())
      : REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix))
    if (isRefused) throw new StoreFault('NotImplemented', { feature: `The header ${name}` })
  }
}
