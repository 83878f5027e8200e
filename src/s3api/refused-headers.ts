import { StoreFault } from '../base/faults.ts'
import { headerOf, type RequestHead } from './request-head.ts'

/** Headers that ask for what is not done. To pass one over would be to promise it: 501 instead. */
const REFUSED_PREFIXES = [
  'x-amz-server-side-encryption',
  'x-amz-copy-source-server-side-encryption',
  'x-amz-object-lock-',
  'x-amz-grant-',
]

/** By name, the values that ask for nothing beyond what is done anyway; others are refused. */
const HARMLESS_VALUES: Readonly<Record<string, readonly string[]>> = {
  'x-amz-acl': ['private', 'bucket-owner-full-control'],
  'x-amz-bucket-namespace': ['global'],
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

/** Fault: NotImplemented. */
export function refuseUnsupportedHeaders(head: RequestHead): void {
  for (const name in head.headers) {
    if (!name.startsWith('x-amz-')) continue
    const harmless = Object.hasOwn(HARMLESS_VALUES, name) ? HARMLESS_VALUES[name] : undefined
    const isRefused = harmless
      ? !harmless.includes((headerOf(head, name) ?? '').trim().toLowerCase())
      : REFUSED_PREFIXES.some((prefix) => name.startsWith(prefix))
    if (isRefused) throw new StoreFault('NotImplemented', { feature: `The header ${name}` })
  }
}
