import type { StoreFault } from '../../base/faults.ts'
import type { Credential } from './sigv4.ts'

/**
 * Reads `AKIA…/20130524/us-east-1/s3/aws4_request` and holds it against our region and the request's own time.
 * `malformed` makes the fault that header or query form has for it.
 */
export function parseCredential(
  text: string,
  expected: { region: string; timestamp: string },
  malformed: (reason: string, region?: string) => StoreFault,
): Credential {
  const pieces = text.split('/')
  const [accessKeyId, date, region, service, terminator] = pieces
  if (pieces.length !== 5 || !accessKeyId || !date || !region) {
    throw malformed('the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".')
  }
  if (!/^\d{8}$/.test(date))
    throw malformed(
      `incorrect date format "${date.slice(0, 32)}". This date in the credential must be in the format "yyyyMMdd".`,
    )
  if (terminator !== 'aws4_request')
    throw malformed(`incorrect terminal "${terminator?.slice(0, 64)}". This endpoint uses "aws4_request".`)
  if (service !== 's3') throw malformed(`incorrect service "${service?.slice(0, 64)}". This endpoint belongs to "s3".`)
  if (region !== expected.region) {
    throw malformed(`the region '${region.slice(0, 64)}' is wrong; expecting '${expected.region}'`, expected.region)
  }
  if (!expected.timestamp.startsWith(date)) {
    throw malformed(
      `Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${expected.timestamp.slice(0, 8)}".`,
    )
  }
  return { accessKeyId, date, region }
}

/** `host;x-amz-date`: lower-case header names, each once, or undefined. */
export function parseSignedHeaders(text: string): ReadonlySet<string> | undefined {
  if (!HEADER_LIST.test(text)) return undefined
  const list = text.split(';')
  const names = new Set(list)
  return names.size === list.length ? names : undefined
}

/** Tokens of RFC 9110, section 5.6.2, without capitals. */
const HEADER_LIST = /^[a-z0-9!#$%&'*+.^_`|~-]+(?:;[a-z0-9!#$%&'*+.^_`|~-]+)*$/
