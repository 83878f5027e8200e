import { StoreFault } from '../../base/faults.ts'

/** By lower-case name. Values are trimmed of blanks, those of a repeated header joined by a comma, as SigV4 signs them. */
export type SentHeaders = ReadonlyMap<string, string>

/**
 * Collects raw headers. What decides who the caller is, or where the body ends, must not come twice: gateway, proxy and
 * signer could each take another one. Faults: InvalidArgument (twice), InvalidRequest (a character that no header holds).
 */
export function collectHeaders(rawHeaders: readonly string[]): SentHeaders {
  const headers = new Map<string, string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    const value = trimBlanks(rawHeaders[i + 1] as string)
    if (UNSIGNABLE.test(value)) throw new StoreFault('InvalidRequest', { reason: `Invalid value of header ${name}` })
    const before = headers.get(name)
    if (before !== undefined && ONCE.has(name)) {
      throw new StoreFault('InvalidArgument', { name, reason: `The header ${name} must not be repeated` })
    }
    headers.set(name, before === undefined ? value : `${before},${value}`)
  }
  return headers
}

/** Inner runs of blanks become one space, outside of them nothing changes. */
export function collapseBlanks(value: string): string {
  return BLANKS.test(value) ? value.replaceAll(/[ \t]+/g, ' ') : value
}

/** Not String.trim: 0xa0 may be the last byte of a UTF-8 character here. Not a regular expression: those go quadratic. */
function trimBlanks(value: string): string {
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start++
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--
  return end - start === value.length ? value : value.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Nothing above 0xff comes off the wire: hashed as Latin-1 it would pass for another character. */
const UNSIGNABLE = /[\0\r\n\u0100-\uffff]/
const BLANKS = / {2}|\t/
/** Also what Node reads the first of, while signatures cover all. */
const ONCE = new Set([
  'authorization',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'expires',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'transfer-encoding',
  'x-amz-content-sha256',
  'x-amz-copy-source',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-security-token',
])
