import { H2Code, H2Error } from './h2-codes.ts'
import { decodeHuffman } from './huffman.ts'

/** Names in lower case, pseudo-headers first; values as Latin-1. */
export type HeaderList = readonly (readonly [name: string, value: string])[]

/** Of a name, by position; one is the only value, or there is none. */
export function headerOf(headers: HeaderList, name: string): string | undefined {
  return headers.find(([n]) => n === name)?.[1]
}

export function headersOf(headers: HeaderList, name: string): string[] {
  return headers.filter(([n]) => n === name).map(([, value]) => value)
}

/** RFC 7541, appendix A; entries with a value are written `name=value`. */
const STATIC_TABLE: HeaderList = (
  ':authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|' +
  ':status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|' +
  'accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|' +
  'content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|' +
  'cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|' +
  'last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|' +
  'server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate'
)
  .split('|')
  .map((entry) => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
  })

/** Of an entry, beside its text (RFC 7541, section 4.1). */
const ENTRY_OVERHEAD = 32
/** What a peer may use before it has read our SETTINGS, which allow no table at all. */
export const DYNAMIC_TABLE_BYTES_MAX = 4096

/** Decodes header blocks of one connection, in order (RFC 7541). `listBytesMax` bounds what a block may unfold to. */
export class HpackDecoder {
  readonly #listBytesMax: number
  /** Newest first. */
  #dynamic: (readonly [string, string])[] = []
  #dynamicBytes = 0
  #dynamicBytesMax = DYNAMIC_TABLE_BYTES_MAX
  #bytes: Uint8Array = Buffer.alloc(0)
  #at = 0

  constructor(listBytesMax: number) {
    this.#listBytesMax = listBytesMax
  }

  /** Throws H2Error: after it the connection is of no use. */
  decode(block: Uint8Array): HeaderList {
    this.#bytes = block
    this.#at = 0
    const list: (readonly [string, string])[] = []
    let listBytes = 0
    while (this.#at < block.length) {
      const header = this.#next()
      if (!header) continue
      listBytes += sizeOf(header)
      if (listBytes > this.#listBytesMax) throw new H2Error(H2Code.enhanceYourCalm, 'too many headers')
      list.push(header)
    }
    return list
  }

  /** undefined: a change of the table's size. */
  #next(): readonly [string, string] | undefined {
    const first = this.#bytes[this.#at]!
    if (first & 0x80) return this.#entry(this.#integer(7))
    if (first & 0x40) {
      const header = this.#literal(6)
      this.#add(header)
      return header
    }
    if (first & 0x20) {
      const bytes = this.#integer(5)
      if (bytes > DYNAMIC_TABLE_BYTES_MAX) throw malformed()
      this.#dynamicBytesMax = bytes
      this.#evict()
      return undefined
    }
    return this.#literal(4)
  }

  #literal(prefixBits: number): readonly [string, string] {
    const index = this.#integer(prefixBits)
    const name = index === 0 ? this.#string() : this.#entry(index)[0]
    return [name, this.#string()]
  }

  #entry(index: number): readonly [string, string] {
    const entry =
      index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.#dynamic[index - STATIC_TABLE.length - 1]
    if (!entry) throw malformed()
    return entry
  }

  #add(header: readonly [string, string]): void {
    this.#dynamic.unshift(header)
    this.#dynamicBytes += sizeOf(header)
    this.#evict()
  }

  #evict(): void {
    while (this.#dynamicBytes > this.#dynamicBytesMax) this.#dynamicBytes -= sizeOf(this.#dynamic.pop()!)
  }

  #integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1
    const prefix = this.#byte() & mask
    if (prefix < mask) return prefix
    let value = mask
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte()
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw malformed()
  }

  #string(): string {
    const isHuffman = (this.#bytes[this.#at]! & 0x80) !== 0
    const length = this.#integer(7)
    if (length > this.#bytes.length - this.#at) throw malformed()
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes).toString('latin1')
  }

  #byte(): number {
    if (this.#at >= this.#bytes.length) throw malformed()
    const byte = this.#bytes[this.#at]!
    this.#at += 1
    return byte
  }
}

function sizeOf([name, value]: readonly [string, string]): number {
  return name.length + value.length + ENTRY_OVERHEAD
}

function malformed(): H2Error {
  return new H2Error(H2Code.compressionError, 'a header block is malformed')
}

/**
 * A header block of literals that no table remembers: the same list is always the same bytes, so that whoever sends it
 * often encodes it once.
 */
export function encodeHeaders(headers: HeaderList): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [NEVER_REMEMBERED, encodeString(name), encodeString(value)]))
}

const NEVER_REMEMBERED = Buffer.from([0])

function encodeString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([encodeLength(bytes.length), bytes])
}

/** An integer with a prefix of 7 bits, the eighth 0: no Huffman coding. */
function encodeLength(length: number): Buffer {
  if (length < 0x7f) return Buffer.from([length])
  const bytes = [0x7f]
  let rest = length - 0x7f
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}
