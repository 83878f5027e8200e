import t from 'tap'
import { element, openSuite, refusedWire } from '../support/suite.ts'

const suite = await openSuite(t)
const { bucket, send } = suite

t.test('any error: XML with Code, Message, Resource, and the request id of the header (quirk 20)', async (t) => {
  const path = `/${bucket}/no%20such`
  const answer = await send({ method: 'GET', path })
  refusedWire(t, answer, 404, 'NoSuchKey')
  t.equal(answer.headers['content-type'], 'application/xml')
  t.match(String(answer.body), /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<Error>/)
  t.ok(element(answer.body, 'Message'))
  t.ok(element(answer.body, 'RequestId'))
  t.equal(element(answer.body, 'RequestId'), answer.headers['x-amz-request-id'])
  t.match(element(answer.body, 'Resource'), /no( |%20)such$/)
  t.equal(element(answer.body, 'Key'), 'no such')
})

t.test('any answer: a request id of its own, also when all is well', async (t) => {
  const ids = new Set<string | undefined>()
  for (let n = 0; n < 5; n++) ids.add((await send({ method: 'GET', path: '/' })).headers['x-amz-request-id'])
  t.equal(ids.size, 5)
  t.notOk(ids.has(undefined))
})

t.test('HEAD: 404, 403 and 400: no body', async (t) => {
  for (const path of [`/${suite.newBucketName()}`, `/${bucket}/none`, `/${bucket}/${'k'.repeat(1025)}`]) {
    const answer = await send({ method: 'HEAD', path })
    t.ok(answer.status >= 400 && answer.body.length === 0, `${answer.status}`)
    t.ok(answer.headers['x-amz-request-id'])
  }
})

t.test('any error: what the request said is escaped in the XML', async (t) => {
  const answer = await send({ method: 'GET', path: `/${bucket}/%3Cscript%3E%26` })
  t.equal(element(answer.body, 'Key'), '<script>&')
  t.notMatch(String(answer.body), /<script>/)
})

t.test('any error: a key with a control character: XML that parsers take', async (t) => {
  const answer = await send({ method: 'GET', path: `/${bucket}/ctl%01` })
  t.equal(answer.status, 404)
  t.notOk(String(answer.body).includes('\u0001'))
})

const noMethod: [method: string, path: string][] = [
  ['POST', `/${bucket}/key`],
  ['PUT', '/'],
  ['DELETE', '/'],
  ['PATCH', `/${bucket}/key`],
  ['POST', '/'],
]
for (const [method, path] of noMethod)
  t.test(`${method} ${path.replace(bucket, 'bucket')}: no such operation: 405 MethodNotAllowed, or 501`, async (t) => {
    const answer = await send({ method, path, body: '' })
    refusedWire(
      t,
      answer,
      answer.status === 501 ? 501 : 405,
      answer.status === 501 ? 'NotImplemented' : 'MethodNotAllowed',
    )
  })

t.test('any answer: Date in RFC 7231, Server and version of no software that an attacker could look up', async (t) => {
  const answer = await send({ method: 'GET', path: '/' })
  t.match(answer.headers.date, /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/)
  t.equal(answer.headers['x-powered-by'], undefined)
  t.notMatch(answer.headers.server ?? '', /\d/)
})

t.test('GetObject: unknown query parameters that are no sub-resources: ignored', async (t) => {
  await send({ method: 'PUT', path: `/${bucket}/k`, body: 'found' })
  for (const query of ['x-id=GetObject', 'utm_source=mail', 'a=b&c'])
    t.equal(String((await send({ method: 'GET', path: `/${bucket}/k?${query}` })).body), 'found', query)
})
