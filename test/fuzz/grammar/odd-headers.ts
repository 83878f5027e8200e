import type { Chance } from '../chance.ts'
import { type Header, latin1 } from '../request.ts'
import type { World } from '../world.ts'
import { requestOf, setBy, someIntent } from './intents.ts'
import type { OddRequest } from './odd-requests.ts'
import { headerText, oddValue } from './odd-text.ts'

const DATES = `Fri, 24 May 2013 00:00:00 GMT|Friday, 24-May-13 00:00:00 GMT|Fri May 24 00:00:00 2013|0|-1|now|
Fri, 31 Feb 2013 00:00:00 GMT|Fri, 24 May 0000 00:00:00 GMT|Fri, 24 May 99999 00:00:00 GMT|2013-05-24|20130524T000000Z|
Fri, 24 May 2013 24:61:61 GMT|Fri, 24 May 2013 00:00:00 +9999|Thu, 01 Jan 1970 00:00:00 GMT`.split(/\|\n?/)
export const RANGES = [
  ...`bytes=0-|bytes=-1|bytes=-0|bytes=5-1|bytes=0-0,2-3|bytes=|bytes=-|bytes=--1|bytes=a-b|items=0-1|bytes 0-1|
BYTES=0-1|bytes=1 - 2|bytes=0x0-0x5|bytes=1e1-|bytes=٠-١|bytes=0-99999999999999999999|bytes=9999999999999999999-|
bytes=-99999999999999999999999`.split(/\|\n?/),
  ` ${'bytes=0-1,'.repeat(300)}`,
]
const HASHES = ['', ...'AAAA AAAAAA== ==== x 1B2M2Y8AsgTpgAmY7PhCfg== é * - AAAAAA==-3'.split(' '), 'A'.repeat(88)]
const ETAGS = [
  ...'*|""|"|W/"x"|"a", "b"|"*"|,,,|d41d8cd98f00b204e9800998ecf8427e|\xff'.split('|'),
  `"${'a,'.repeat(900)}"`,
]
const WORDS = `|CRC32|crc32|MD4|FULL_OBJECT|COMPOSITE|ENABLED|REPLACE|COPY|STANDARD|REDUCED_REDUNDANCY|GLACIER|private|
public-read|AES256|aws:kms|a=b&c=d|/x|requester|__proto__|constructor|\xff`.split(/\|\n?/)
const SIZES = ['0', '-1', '1e3', '', '99999999999999999999', 'x']
const LINES = [
  '',
  'x-amz-checksum-crc32',
  'trailers',
  '100-continue',
  'h2c',
  'DELETE',
  'x-amz-meta-a, x-amz-checksum-sha1',
]
const METADATA = [...' |=?UTF-8?B?w6k=?=|=?UTF-8?Q?=ZZ?=|=?x?y?z?=|\xc3\xa9|\xff|\t'.split('|'), '', 'v'.repeat(2048)]
const TYPES = ['', 'x', '\xff', 'aws-chunked', 'gzip, aws-chunked', 'aws-chunked,aws-chunked', '"\\"', '%0d%0aX: y']

/** Names, and values that would be odd, or even right, in any of them. */
const HEADERS: readonly (readonly [names: readonly string[], values: readonly string[]])[] = [
  ['Range x-amz-copy-source-range', RANGES],
  ['If-Match If-None-Match x-amz-copy-source-if-match x-amz-copy-source-if-none-match', ETAGS],
  ['If-Modified-Since If-Unmodified-Since x-amz-copy-source-if-modified-since Expires Date If-Range', DATES],
  ['Content-MD5 x-amz-checksum-crc32 x-amz-checksum-crc32c x-amz-checksum-crc64nvme x-amz-checksum-sha1', HASHES],
  ['x-amz-checksum-sha256 x-amz-checksum-algorithm x-amz-sdk-checksum-algorithm x-amz-checksum-type', WORDS],
  ['x-amz-checksum-mode x-amz-metadata-directive x-amz-storage-class x-amz-acl x-amz-object-ownership', WORDS],
  ['x-amz-server-side-encryption x-amz-object-lock-mode x-amz-grant-read x-amz-tagging x-amz-request-payer', WORDS],
  ['x-amz-website-redirect-location x-amz-expected-bucket-owner x-amz-rename-source', WORDS],
  ['x-amz-decoded-content-length x-amz-mp-object-size x-amz-max-parts x-amz-write-offset-bytes', SIZES],
  ['x-amz-trailer x-amz-te Trailer TE Expect Upgrade Accept-Encoding X-HTTP-Method-Override Via', LINES],
  [`x-amz-meta- x-amz-meta-é x-amz-meta-a x-amz-meta-__proto__ x-amz-meta-${'n'.repeat(2047)} x-amz-`, METADATA],
  ['Content-Type Content-Encoding Content-Language Content-Disposition Cache-Control Origin Cookie', TYPES],
].map(([names, values]) => [String(names).split(' '), values as readonly string[]])

/** Any operation, with headers that it knows or not, and odd values. */
export function oddHeaders(chance: Chance, world: World, serial: number): OddRequest {
  const intent = someIntent(chance, world, serial)
  const more = chance.some(1, 3, (): Header => {
    const [names, values] = chance.pick(HEADERS)
    return [latin1(chance.pick(names)), headerText(chance.oneIn(6) ? oddValue(chance) : chance.pick(values))]
  })
  const request = requestOf(intent, world)
  return {
    note: `${intent.operation} with odd headers`,
    request: { ...request, headers: [...request.headers, ...more] },
    sets: setBy(intent, world),
  }
}
