import type { Chance } from '../chance.ts'
import { oddBytes } from './odd-text.ts'

/** HTTP that is none, or hardly: request lines, header lines and bodies put together line by line. All Latin-1. */
const METHODS = [
  ...'GET|PUT|POST|DELETE|HEAD|OPTIONS|PATCH|TRACE|CONNECT|PROPFIND|M-SEARCH|QUERY|get|GeT|G\0T|GET\t| GET'.split('|'),
  ...'|GETGETGET|PRI|SOURCE|\xff|GET/|"GET"'.split('|'),
  'X'.repeat(300),
]
const TARGETS = [
  ...'/|/vault|/vault/treasure|*||?|#|//|/..|/%|/\0|/\x7f|/\xff|/a b|/\t|vault|/?&&&=&|/vault?a=%|http://'.split('|'),
  ...'http://evil.example/vault/treasure|https://[::1]:0/|evil.example:443|/vault/treasure?|/%2e%2e/vault'.split('|'),
  ...'/vault/treasure#x|\\vault\\treasure|/vault/./treasure'.split('|'),
  `/${'x'.repeat(9000)}`,
]
const VERSIONS = [
  ...' HTTP/1.1| HTTP/1.1| HTTP/1.1| HTTP/1.0| HTTP/0.9| HTTP/2.0| HTTP/1.2| HTTP/9.9| HTTP/1|| http/1.1'.split('|'),
  ...' HTTP/1.1 x|  HTTP/1.1|\tHTTP/1.1| HTTP/11| HTTP/1.1\0| HTTP/-1.1| RTSP/1.0| ICE/1.0'.split('|'),
]
const ENDS = '\r\n|\r\n|\r\n|\r\n|\r\n|\r\n|\r\n|\r\n|\n|\r|\r\r\n|\n\r|| \r\n|\0\r\n'.split('|')
const LINES = [
  ...'Host: x|Host: x|Host:x|Host : x| Host: x|Host|:|: x|X|X:|X: \0|X\0: y|X: \x7f|X: \xff|X: a\r\n b'.split('|'),
  ...'X: a\r\n\tb|X: a\rb|X: a\nb|\tX: y|X\t: y|X y: z|(x): y|X: \x1b[2J|\xff: y|Date: x|Range: bytes=0-'.split('|'),
  ...'Content-Length: 5|Content-Length: 0|Content-Length: -1|Content-Length: +5|Content-Length: 5, 5'.split('|'),
  ...'Content-Length: 5\r\nContent-Length: 6|Content-Length: 5\r\nContent-Length: 5|Content-Length: 0x5'.split('|'),
  ...'Content-Length:|Content-Length: 5 5|Content-Length: 5\x0b|Content_Length: 5|Content-Length : 5'.split('|'),
  ...'Content-Length: 99999999999999999999|Transfer-Encoding: chunked|Transfer-Encoding: identity'.split('|'),
  ...'Transfer-Encoding: chunked, chunked|Transfer-Encoding: xchunked|Transfer-Encoding: gzip, chunked'.split('|'),
  ...'Transfer-Encoding: chunked, gzip|Transfer-Encoding:\x0bchunked|Transfer-Encoding: ,'.split('|'),
  ...'Transfer-Encoding: CHUNKED|Transfer-Encoding : chunked|Transfer-Encoding:\r\n chunked'.split('|'),
  ...'Transfer-Encoding: "chunked"|Expect: 100-continue|Expect: x|Connection: close|Connection: Host'.split('|'),
  ...'Connection: keep-alive, x|Connection: upgrade|Upgrade: websocket|Upgrade: h2c|HTTP2-Settings: AAAA'.split('|'),
  ...'Trailer: Content-Length|TE: trailers|Keep-Alive: timeout=9|X-Forwarded-For: ::1|Forwarded: for=_x'.split('|'),
  ...'Authorization: x|Authorization:|Authorization: AWS4-HMAC-SHA256|Authorization: AWS :'.split('|'),
  ...'Authorization: AWS4-HMAC-SHA256 ,,,===|Authorization: Basic \xff|x-amz-date: x'.split('|'),
  'Authorization: AWS4-HMAC-SHA256 Credential=/////, SignedHeaders=;, Signature=',
  ...'x-amz-content-sha256: x|x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD'.split('|'),
  ...'x-amz-security-token: x|x-amz-decoded-content-length: 5'.split('|'),
  `X: ${'y'.repeat(9000)}`,
]
const BODIES = [
  ...'|hello|\0\0\0\0\0|5\r\nhello\r\n0\r\n\r\n|5;ext=1\r\nhello\r\n0\r\n\r\n|5\nhello\n0\n\n|-1\r\n|x\r\n'.split('|'),
  ...'FFFFFFFFFFFFFFFF\r\nhello|10000000000000005\r\nhello\r\n0\r\n\r\n|0\r\n\r\n|0\r\nX: y\r\n\r\n'.split('|'),
  ...'0\r\n\0\r\n\r\n|5\r\nhell|5\r\nhelloX\r\n0\r\n\r\n| 5\r\nhello\r\n0\r\n\r\n|\r\n\r\n\r\n'.split('|'),
  ...'GET /vault/treasure HTTP/1.1\r\nHost: x\r\n\r\n|0\r\n\r\nGET /vault/treasure HTTP/1.1\r\nHost: x\r\n\r\n'.split(
    '|',
  ),
  `5;${'x'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
  `0\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
]
/** Other protocols, and what scanners send. */
const STRANGERS = [
  ...'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0|SSH-2.0-x\r\n|HELO x\r\n|*1\r\n$4\r\nPING\r\n'.split('|'),
  ...'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n|\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0'.split('|'),
  `\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03${'Z'.repeat(160)}`,
  '\0'.repeat(64),
  '\r\n'.repeat(100),
]

/** One header line, without its end. */
export function oddLine(chance: Chance): string {
  return chance.oneIn(8) ? `x-${oddBytes(chance)}` : chance.pick(LINES)
}

/** Never signed. */
export function oddMessage(chance: Chance): string {
  if (chance.oneIn(15)) return chance.pick(STRANGERS)
  const odd = (list: readonly string[]) => (chance.oneIn(2) ? list[0]! : chance.pick(list))
  const end = () => chance.pick(ENDS)
  const first = `${odd(METHODS)} ${odd(TARGETS)}${odd(VERSIONS)}${end()}`
  const lines = chance.some(1, 6, () => oddLine(chance) + end()).join('')
  return `${first}${lines}${end()}${chance.pick(BODIES)}`
}
