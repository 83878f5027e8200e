import { StoreFault } from '../../base/faults.ts'
import { bucketOfHost } from './host.ts'
import { percentDecode, percentDecodeQuery, splitTarget } from './percent.ts'

/** What a request is about: decoded, not yet checked against the rules for names. */
export interface Target {
  /** undefined: the service itself. */
  bucket: string | undefined
  /** undefined: the bucket. */
  key: string | undefined
  /** Decoded; a parameter without a value (`?uploads`, `?uploads=`) has the empty one. */
  query: ReadonlyMap<string, string>
  isVirtualHost: boolean
}

/**
 * Path style (`/bucket/key`), or virtual-host style where `host` is `<bucket>.<one of domains>`. `/bucket` and `/bucket/` are
 * the same; what follows the first slash behind the bucket is the key, whole.
 * A parameter that comes twice is refused: the signature does not say which of the two counts.
 * Faults: InvalidURI (bad escapes, no UTF-8, no leading slash), InvalidArgument (a parameter twice, or with NUL).
 */
export function parseTarget(request: { target: string; host: string | undefined; domains: readonly string[] }): Target {
  const { path: coded, query } = splitTarget(request.target)
  const path = percentDecode(coded)
  if (path === undefined || !path.startsWith('/')) throw new StoreFault('InvalidURI', { uri: coded.slice(0, 2048) })
  const hostBucket = bucketOfHost(request.host, request.domains)
  const names = hostBucket === undefined ? splitPath(path) : { bucket: hostBucket, key: path.slice(1) }
  return {
    bucket: names.bucket || undefined,
    key: names.key || undefined,
    query: parseQuery(query),
    isVirtualHost: hostBucket !== undefined,
  }
}

function splitPath(path: string): { bucket: string; key: string } {
  const slash = path.indexOf('/', 1)
  if (slash === 1) throw new StoreFault('InvalidURI', { uri: path.slice(0, 2048) })
  return slash < 0 ? { bucket: path.slice(1), key: '' } : { bucket: path.slice(1, slash), key: path.slice(slash + 1) }
}

function parseQuery(query: string | undefined): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  if (!query) return found
  for (const pair of query.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = percentDecodeQuery(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : percentDecodeQuery(pair.slice(equals + 1))
    if (name === undefined || value === undefined) throw new StoreFault('InvalidURI', { uri: pair.slice(0, 2048) })
    if (found.has(name)) {
      throw new StoreFault('InvalidArgument', { name, reason: 'Query parameters must not be repeated' })
    }
    if (value.includes('\0') || name.includes('\0')) {
      throw new StoreFault('InvalidArgument', { name, reason: 'Query parameters must not contain NUL' })
    }
    found.set(name, value)
  }
  return found
}
