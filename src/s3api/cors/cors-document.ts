import type { CorsRule } from '../../base/model.ts'
import { invalid, invalidRequest } from '../fields.ts'
import { integer, text } from '../xml/kinds.ts'
import { flatList, type Infer, optional, structure } from '../xml/shape.ts'
import { malformed } from '../xml/xml-scanner.ts'

const rule = structure({
  ID: optional(text),
  AllowedHeader: flatList(text),
  AllowedMethod: flatList(text),
  AllowedOrigin: flatList(text),
  ExposeHeader: flatList(text),
  MaxAgeSeconds: optional(integer),
})

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CORSConfiguration.html */
export const corsConfiguration = structure({ CORSRule: flatList(rule) })

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html: 64 KB. */
export const CORS_BYTES_MAX = 64 * 1024
const RULES_MAX = 100
const ID_CHARS_MAX = 255
const METHODS = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE']

/** Faults: MalformedXML (no rule, no origin, no method), InvalidRequest, InvalidArgument (a long id). */
export function toCorsRules({ CORSRule: rules }: Infer<typeof corsConfiguration>): CorsRule[] {
  if (rules.length === 0) throw malformed('no CORS rules')
  if (rules.length > RULES_MAX) {
    throw invalidRequest(`The number of CORS rules should not exceed allowed limit of ${RULES_MAX} rules.`)
  }
  return rules.map(toRule)
}

export function toCorsDocument(rules: readonly CorsRule[]): Infer<typeof corsConfiguration> {
  return {
    CORSRule: rules.map((each) => ({
      ID: each.id,
      AllowedHeader: each.allowedHeaders,
      AllowedMethod: each.allowedMethods,
      AllowedOrigin: each.allowedOrigins,
      ExposeHeader: each.exposeHeaders,
      MaxAgeSeconds: each.maxAgeSeconds,
    })),
  }
}

function toRule({ ID, AllowedMethod, AllowedOrigin, AllowedHeader, ExposeHeader, ...rest }: Infer<typeof rule>) {
  if (AllowedMethod.length === 0 || AllowedOrigin.length === 0) throw malformed('a rule without a method or an origin')
  if (ID !== undefined && ID.length > ID_CHARS_MAX) {
    throw invalid('ID', ID, `ID length should not exceed allowed limit of ${ID_CHARS_MAX}`)
  }
  for (const method of AllowedMethod) {
    if (!METHODS.includes(method)) {
      throw invalidRequest(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`)
    }
  }
  checkWildcards('AllowedOrigin', AllowedOrigin)
  checkWildcards('AllowedHeader', AllowedHeader)
  for (const header of ExposeHeader) {
    if (!header.includes('*')) continue
    throw invalidRequest(
      `ExposeHeader "${header}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
    )
  }
  return {
    id: ID,
    allowedOrigins: AllowedOrigin,
    allowedMethods: AllowedMethod,
    allowedHeaders: AllowedHeader,
    exposeHeaders: ExposeHeader.map(asHeaderName),
    maxAgeSeconds: rest.MaxAgeSeconds,
  }
}

function checkWildcards(element: string, patterns: readonly string[]): void {
  for (const pattern of patterns) {
    if (pattern.indexOf('*') !== pattern.lastIndexOf('*')) {
      throw invalidRequest(`${element} "${pattern}" can not have more than one wildcard.`)
    }
  }
}

/** It is sent as part of a header: what could end that, and begin another, is refused. */
function asHeaderName(name: string): string {
  if (!/^[\x21-\x7e]*$/.test(name)) throw invalidRequest(`ExposeHeader "${name}" is not a header name.`)
  return name
}
