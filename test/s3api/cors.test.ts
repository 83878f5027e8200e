import fc from 'fast-check'
import t from 'tap'
import { isFault } from '../../src/base/faults.ts'
import type { CorsRule } from '../../src/base/model.ts'
import { corsConfiguration, toCorsDocument, toCorsRules } from '../../src/s3api/cors/cors-document.ts'
import { matchCors } from '../../src/s3api/cors/match-cors.ts'
import { readXml } from '../../src/s3api/xml/read-xml.ts'
import { writeXml } from '../../src/s3api/xml/write-xml.ts'

function rule(given: Partial<CorsRule>): CorsRule {
  return { allowedOrigins: ['*'], allowedMethods: ['GET'], allowedHeaders: [], exposeHeaders: [], ...given }
}

function isAllowed(given: Partial<CorsRule>, request: { origin?: string; method?: string; headers?: string }): boolean {
  const { origin = 'http://a.test', method = 'GET', headers } = request
  return matchCors([rule(given)], { origin, method, headers }) !== undefined
}

t.test('matchCors: one `*` stands for any text, also none, and the rest is as it is', async (t) => {
  const part = fc.string({ unit: fc.constantFrom('a', '.', '/'), maxLength: 4 })
  fc.assert(
    fc.property(part, part, part, (head, middle, tail) =>
      isAllowed({ allowedOrigins: [`${head}*${tail}`] }, { origin: head + middle + tail }),
    ),
  )
  const wrong: [string, string][] = [
    ['*suffix', 'suffix.get'],
    ['prefix*', 'a.prefix'],
    ['start*end', '0startend'],
    ['start*end', 'startend0'],
    // Head and tail may not share what is there once.
    ['aba*ba', 'aba'],
    ['http://A.test', 'http://a.test'],
    ['a.c', 'abc'],
  ]
  for (const [pattern, origin] of wrong) t.notOk(isAllowed({ allowedOrigins: [pattern] }, { origin }), pattern)
})

t.test('matchCors: all headers asked for must be allowed, in whatever case', async (t) => {
  const allowedHeaders = ['X-Amz-*', 'content-type']
  t.ok(isAllowed({ allowedHeaders }, { headers: 'x-amz-date, CONTENT-TYPE' }))
  t.ok(isAllowed({ allowedHeaders }, { headers: '' }))
  t.notOk(isAllowed({ allowedHeaders }, { headers: 'x-amz-date, authorization' }))
  t.notOk(isAllowed({}, { headers: 'x-amz-date' }))
})

t.test('matchCors: the first rule that fits answers, not one that only fits in parts', async (t) => {
  const rules = [
    rule({ allowedOrigins: ['http://a.test'], allowedMethods: ['PUT'], maxAgeSeconds: 1 }),
    rule({ allowedOrigins: ['http://a.test'], allowedMethods: ['GET', 'HEAD'], maxAgeSeconds: 2 }),
    rule({ maxAgeSeconds: 3 }),
  ]
  const headers = matchCors(rules, { origin: 'http://a.test', method: 'GET', headers: undefined })
  t.match(headers, {
    'Access-Control-Allow-Origin': 'http://a.test',
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Methods': 'GET, HEAD',
    'Access-Control-Max-Age': 2,
  })
  const other = matchCors(rules, { origin: 'http://b.test', method: 'GET', headers: undefined })
  t.match(other, { 'Access-Control-Allow-Origin': '*', 'Access-Control-Max-Age': 3 })
  t.notOk(other!['Access-Control-Allow-Credentials'])
})

const parse = (rules: string) =>
  toCorsRules(
    readXml('CORSConfiguration', corsConfiguration, Buffer.from(`<CORSConfiguration>${rules}</CORSConfiguration>`)),
  )
const some = '<AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>'

t.test('toCorsRules: what is against the rules of S3 is refused by its code', async (t) => {
  const refusals: [string, 'MalformedXML' | 'InvalidRequest' | 'InvalidArgument'][] = [
    ['', 'MalformedXML'],
    ['<CORSRule/>', 'MalformedXML'],
    ['<CORSRule><AllowedOrigin>*</AllowedOrigin></CORSRule>', 'MalformedXML'],
    ['<CORSRule><AllowedMethod>GET</AllowedMethod></CORSRule>', 'MalformedXML'],
    [`<CORSRule>${some}<MaxAgeSeconds>-1</MaxAgeSeconds></CORSRule>`, 'MalformedXML'],
    [`<CORSRule>${some}<AllowedMethod>OPTIONS</AllowedMethod></CORSRule>`, 'InvalidRequest'],
    [`<CORSRule>${some}<AllowedMethod>get</AllowedMethod></CORSRule>`, 'InvalidRequest'],
    [`<CORSRule>${some}<AllowedOrigin>*a*</AllowedOrigin></CORSRule>`, 'InvalidRequest'],
    [`<CORSRule>${some}<AllowedHeader>*a*</AllowedHeader></CORSRule>`, 'InvalidRequest'],
    [`<CORSRule>${some}<ExposeHeader>x-*</ExposeHeader></CORSRule>`, 'InvalidRequest'],
    [`<CORSRule>${some}<ExposeHeader>x&#13;&#10;y: z</ExposeHeader></CORSRule>`, 'InvalidRequest'],
    [`<CORSRule>${some}<ID>${'x'.repeat(256)}</ID></CORSRule>`, 'InvalidArgument'],
    [`<CORSRule>${some}</CORSRule>`.repeat(101), 'InvalidRequest'],
  ]
  for (const [document, code] of refusals) {
    try {
      parse(document)
      t.fail(`accepted: ${document.slice(0, 120)}`)
    } catch (error) {
      t.ok(isFault(error, code), `${code}: ${document.slice(0, 120)}`)
    }
  }
  t.equal(parse(`<CORSRule>${some}<ID>${'x'.repeat(255)}</ID></CORSRule>`.repeat(100)).length, 100)
})

t.test('toCorsRules, toCorsDocument: what was put comes back', async (t) => {
  const rules = [
    rule({ id: 'one', allowedOrigins: ['https://*.a.test', 'b'], allowedHeaders: ['X-*'], exposeHeaders: ['ETag'] }),
    rule({ allowedMethods: ['PUT', 'HEAD', 'POST', 'DELETE'], maxAgeSeconds: 0 }),
  ]
  const document = writeXml('CORSConfiguration', corsConfiguration, toCorsDocument(rules))
  const back = toCorsRules(readXml('CORSConfiguration', corsConfiguration, Buffer.from(document)))
  t.same(JSON.parse(JSON.stringify(back)), rules)
})
