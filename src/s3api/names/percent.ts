/** Percent-coding of RFC 3986, of bytes: no text is normalised, no dot segment removed. */

/**
 * Decodes to text, each escape once; undefined for a bad escape or bytes that are not UTF-8.
 * `text` is as on the request line: characters above 0x7f are single bytes.
 */
export function percentDecode(text: string): string | undefined {
  const ascii = ASCII.test(text) ? text : escapeBytes(text)
  if (ascii === undefined) return undefined
  if (!ascii.includes('%')) return ascii
  try {
    return decodeURIComponent(ascii)
  } catch {
    return undefined
  }
}

/** As percentDecode, in a query: `+` is a space. */
export function percentDecodeQuery(text: string): string | undefined {
  return percentDecode(text.includes('+') ? text.replaceAll('+', '%20') : text)
}

/**
 * The one form in which SigV4 signs: every byte but `A-Za-z0-9-._~` escaped in upper-case hex, `/` kept in a path and `+`
 * a space in a query. Equal for texts that decode alike. Undefined for a bad escape or a character that is no byte.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html (UriEncode)
 */
export function canonicalPercent(text: string, where: 'path' | 'query'): string | undefined {
  if ((where === 'path' ? CANONICAL_PATH : CANONICAL_QUERY).test(text)) return text
  let out = ''
  for (let i = 0; i < text.length; i++) {
    let byte = text.charCodeAt(i)
    if (byte === PERCENT) {
      byte = (hexDigit(text.charCodeAt(i + 1)) << 4) | hexDigit(text.charCodeAt(i + 2))
      i += 2
    } else if (byte === PLUS && where === 'query') byte = SPACE
    const coded = (where === 'path' ? PATH_BYTES : QUERY_BYTES)[byte]
    if (coded === undefined) return undefined
    out += coded
  }
  return out
}

/** Path and query of a request target: the query is what follows the first `?`; undefined where there is none. */
export function splitTarget(target: string): { path: string; query: string | undefined } {
  const mark = target.indexOf('?')
  return mark < 0 ? { path: target, query: undefined } : { path: target.slice(0, mark), query: target.slice(mark + 1) }
}

const PERCENT = 0x25
const PLUS = 0x2b
const SPACE = 0x20
const ASCII = /^[\0-\x7f]*$/
const CANONICAL_PATH = /^[A-Za-z0-9\-._~/]*$/
const CANONICAL_QUERY = /^[A-Za-z0-9\-._~]*$/
const QUERY_BYTES = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte)
  return CANONICAL_QUERY.test(char) ? char : escapeByte(byte)
})
const PATH_BYTES = QUERY_BYTES.map((coded) => (coded === '%2F' ? '/' : coded))

function escapeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** −1 (all bits) when it is none: what it is joined into is then no byte. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function escapeBytes(text: string): string | undefined {
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) return undefined
    out += code > 0x7f ? escapeByte(code) : text[i]
  }
  return out
}
