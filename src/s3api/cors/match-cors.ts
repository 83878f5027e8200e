import type { CorsRule } from '../../base/model.ts'
import type { ReplyHeaders } from '../operation.ts'

/** What a browser says of the page that asks. */
export interface CorsRequest {
  origin: string
  method: string
  /** Access-Control-Request-Headers as it came, if it did. */
  headers: string | undefined
}

/**
 * What the first rule that fits lets a browser do; undefined: none fits.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 */
export function matchCors(rules: readonly CorsRule[], request: CorsRequest): ReplyHeaders | undefined {
  const names = headerNames(request.headers)
  for (const rule of rules) {
    const pattern = rule.allowedOrigins.find((each) => matches(each, request.origin))
    if (pattern === undefined || !rule.allowedMethods.includes(request.method)) continue
    if (!names.every((name) => allowsHeader(rule, name))) continue
    return headersOf(rule, { names, origin: pattern === '*' ? '*' : request.origin })
  }
  return undefined
}

function headersOf(rule: CorsRule, { names, origin }: { names: readonly string[]; origin: string }): ReplyHeaders {
  return {
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Methods': rule.allowedMethods.join(', '),
    'Access-Control-Allow-Headers': listed(names),
    'Access-Control-Expose-Headers': listed(rule.exposeHeaders),
    'Access-Control-Max-Age': rule.maxAgeSeconds,
    // With `*`, browsers would not send credentials anyway.
    'Access-Control-Allow-Credentials': origin === '*' ? undefined : 'true',
    Vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  }
}

function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : names.join(', ')
}

/** Lower-case, as S3 answers them. */
function headerNames(list: string | undefined): string[] {
  if (list === undefined) return []
  const names = list.split(',').map((name) => name.trim().toLowerCase())
  return names.filter((name) => name !== '')
}

function allowsHeader({ allowedHeaders }: CorsRule, name: string): boolean {
  return allowedHeaders.some((pattern) => matches(pattern.toLowerCase(), name))
}

/** A pattern has at most one `*`, which stands for any text, be it empty. */
function matches(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return pattern === text
  const head = pattern.slice(0, star)
  const tail = pattern.slice(star + 1)
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail)
}
