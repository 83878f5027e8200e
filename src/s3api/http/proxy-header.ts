import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** Longer ones are refused. Version 1 has 107 bytes at most; what version 2 has beside addresses is passed over. */
export const PROXY_HEADER_BYTES_MAX = 4096
const LINE_BYTES_MAX = 107
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const START = Buffer.from('PROXY ', 'latin1')
const FIXED_BYTES = 16
/** Where the address of who connected lies, by the byte that says of what kind it is: TCP over IPv4, over IPv6. */
const SOURCES: Readonly<Record<number, { bytes: number; ofBoth: number; toText(bytes: Buffer): string }>> = {
  17: { bytes: 4, ofBoth: 12, toText: (bytes) => bytes.join('.') },
  33: {
    bytes: 16,
    ofBoth: 36,
    toText: (bytes) => asUsual(Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')),
  },
}

export interface ProxyHeader {
  /** Behind it begins what the client sent. */
  sizeBytes: number
  /** The client's; undefined: the proxy speaks for itself, as in a health check, or does not know. */
  address: string | undefined
}

/**
 * The header that a connection begins with, of either version of the PROXY protocol, from its first bytes on. `more`: it is not
 * whole yet. `wrong`: it is none. https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | 'more' | 'wrong' {
  if (startsAs(bytes, SIGNATURE)) return readBinary(bytes)
  return startsAs(bytes, START) ? readLine(bytes) : 'wrong'
}

/** As far as either of them reaches. */
function startsAs(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length)
  return bytes.compare(start, 0, length, 0, length) === 0
}

/** Version 1: `PROXY TCP4 192.0.2.7 198.51.100.1 5678 443`. */
function readLine(bytes: Buffer): ProxyHeader | 'more' | 'wrong' {
  const end = bytes.subarray(0, LINE_BYTES_MAX).indexOf('\r\n')
  if (end < 0) return bytes.length < LINE_BYTES_MAX ? 'more' : 'wrong'
  const sizeBytes = end + 2
  const words = bytes.toString('latin1', 0, end).split(' ')
  const [, family = '', source = '', destination = '', ...ports] = words
  if (family === 'UNKNOWN') return { sizeBytes, address: undefined }
  const isAddress = new Map([
    ['TCP4', isIPv4],
    ['TCP6', isIPv6],
  ]).get(family)
  const isWhole = ports.length === 2 && ports.every((port) => /^\d{1,5}$/.test(port) && Number(port) < 65_536)
  if (!isWhole || !isAddress?.(source) || !isAddress(destination)) return 'wrong'
  return { sizeBytes, address: isIPv6(source) ? asUsual(source) : source }
}

/** As sockets write it: `2001:db8::7`, `::ffff:192.0.2.7`. */
function asUsual(address: string): string {
  return new SocketAddress({ address, family: 'ipv6' }).address
}

function readBinary(bytes: Buffer): ProxyHeader | 'more' | 'wrong' {
  if (bytes.length < FIXED_BYTES) return 'more'
  const [version, command] = [bytes[12]! >> 4, bytes[12]! & 15]
  const sizeBytes = FIXED_BYTES + bytes.readUInt16BE(14)
  if (version !== 2 || command > 1 || sizeBytes > PROXY_HEADER_BYTES_MAX) return 'wrong'
  const kind = bytes[13]!
  const source = SOURCES[kind]
  const isSilent = command === 0 || kind === 0
  if (!isSilent && (!source || sizeBytes < FIXED_BYTES + source.ofBoth)) return 'wrong'
  if (bytes.length < sizeBytes) return 'more'
  if (isSilent || !source) return { sizeBytes, address: undefined }
  return { sizeBytes, address: source.toText(bytes.subarray(FIXED_BYTES, FIXED_BYTES + source.bytes)) }
}
