import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { StoreFault } from '../base/faults.ts'
import type { Peer } from './access/peer.ts'
import { parseTarget, type Target } from './names/target.ts'

/** What a request says before its body. */
export interface RequestHead extends Target {
  method: string
  /** By lower-case name; values as they came, one character a byte (Latin-1). With what a presigned URL holds in its query. */
  headers: IncomingHttpHeaders
  rawHeaders: readonly string[]
  /** As on the request line, undecoded. */
  rawTarget: string
  /** Empty where HTTP/1.0 gave none. */
  host: string
  /** The client's connection, be it behind proxies. */
  isTls: boolean
  /** Who holds the other end of the connection: a proxy, perhaps. */
  peer: Peer
  /** Where it comes from; undefined: that cannot be told. */
  address: string | undefined
}

/** Faults: BadRequest (Host missing or repeated), and those of parseTarget. */
export function readRequestHead(
  req: IncomingMessage & { originalUrl?: string },
  { domains, address, isTls }: { domains: readonly string[]; address: string | undefined; isTls: boolean },
): RequestHead {
  const host = readHost(req)
  const rawTarget = req.originalUrl ?? req.url ?? ''
  const target = parseTarget({ target: rawTarget, host, domains })
  return {
    ...target,
    method: req.method ?? '',
    headers: withHoisted(req.headers, target.query),
    rawHeaders: req.rawHeaders,
    rawTarget,
    host,
    isTls,
    peer: req.socket,
    address,
  }
}

/** The value of a header that may stand once; undefined when it is absent. */
export function headerOf(head: Pick<RequestHead, 'headers'>, name: string): string | undefined {
  const value = head.headers[name]
  return Array.isArray(value) ? value.join(',') : value
}

/** Of the signature itself, or about a body that the signer did not have: in a query they say nothing about this request. */
const NOT_HOISTED =
  /^x-amz-(?:algorithm|checksum-(?:crc|sha)|content-sha256|credential|date|decoded|expires|sdk-|security|signature|signed|te$|trailer|user-agent)/

/** Presigners move `x-amz-*` headers into the query, where they mean the same: x-amz-meta-…, x-amz-acl, and so on. */
function withHoisted(headers: IncomingHttpHeaders, query: ReadonlyMap<string, string>): IncomingHttpHeaders {
  if (!query.has('X-Amz-Signature') && !query.has('Signature')) return headers
  const hoisted: Record<string, string> = {}
  for (const [given, value] of query) {
    const name = given.toLowerCase()
    if (!name.startsWith('x-amz-') || NOT_HOISTED.test(name)) continue
    hoisted[name] = Buffer.from(value, 'utf8').toString('latin1')
  }
  return { ...hoisted, ...headers }
}

/** A signature covers one Host; with two, a proxy and we could each believe another. RFC 9112, section 3.2. */
function readHost(req: IncomingMessage): string {
  let hosts = 0
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    if (req.rawHeaders[i]!.toLowerCase() === 'host') hosts++
  }
  if (hosts > 1) throw new StoreFault('BadRequest', { reason: 'The Host header must not be repeated' })
  if (hosts === 0 && req.httpVersion !== '1.0') throw new StoreFault('BadRequest', { reason: 'Missing Host header' })
  return req.headers.host ?? ''
}
