import t from 'tap'
import { type ModelOperation, model, routeOf, type Structure, trait } from '../support/s3-model.ts'
import { presignPath } from '../support/sign.ts'
import { element, objectPath, openSuite, refusedWire } from '../support/suite.ts'
import { exchange, type WireResponse } from '../support/wire.ts'

/** Every operation that S3 has, by its own model: a presigned URL is worth what a signed header is, no less and no more. */
const { bucket, send, target, other } = await openSuite(t)
const key = 'presigned/ü +%'
const source = objectPath(bucket, 'source')
await send({ method: 'PUT', path: source, body: 'source' })

interface Call {
  method: string
  path: string
  headers: Record<string, string>
  body: string
}

/** The least that makes a request this operation's, and none of another; what it is about need not be there. */
function callOf(name: string, operation: ModelOperation): Call {
  const { method, path, query } = routeOf(operation)
  const input = operation[4]() as unknown as [...Structure, required?: number]
  const required = input[5].slice(0, input[6] ?? 0).flatMap((member) => (trait(member, 'httpQuery') as string) ?? [])
  const given = required.filter((each) => !query.includes(each)).map((each) => `${each}=1`)
  const search = [...query, ...given].join('&')
  const at = path === '/{Key+}' ? objectPath(bucket, key) : name === 'ListBuckets' ? '/' : `/${bucket}`
  const isCopy = name === 'CopyObject' || name === 'UploadPartCopy'
  return {
    method,
    path: search === '' ? at : `${at}?${search}`,
    headers: isCopy ? { 'x-amz-copy-source': source } : {},
    body: (method === 'PUT' || method === 'POST') && !isCopy ? '<Nothing/>' : '',
  }
}

function bare({ method, body, headers }: Call, path: string): Promise<WireResponse> {
  const length = body !== '' || method === 'PUT' || method === 'POST' ? { 'Content-Length': String(body.length) } : {}
  const all = { Host: target.endpoint.host, ...length, ...headers }
  return exchange(target.endpoint, { method, path, headers: Object.entries(all), body: [Buffer.from(body)] })
}

const said = ({ status, body }: WireResponse) => [status, element(body, 'Code')]
/** One is sent to no bucket, but back to a function. */
const ofBuckets = [...model].filter(([name]) => name !== 'WriteGetObjectResponse')
/** What every account may do: of its own. */
const ANYBODYS = ['CreateBucket', 'ListBuckets', 'ListDirectoryBuckets']
const NOT_IN_A_URL = /^(?:AccessDenied|SignatureDoesNotMatch|AuthorizationQueryParametersError|InvalidAccessKeyId)$/

for (const [name, operation] of ofBuckets) {
  t.test(`${name}: presigned: answered as with a signed header; changed, foreign or unsigned: 403`, async (t) => {
    const call = callOf(name, operation)
    const { method, path, headers, body } = call
    const presigned = presignPath(target, { method, path, expires: '60', headers })
    const changed = presigned.replace(/(X-Amz-Signature=)(.)/, (_, start, digit) => start + (digit === '0' ? '1' : '0'))
    const forged = await bare(call, changed)
    // What is not done is refused before anybody is asked who they are.
    if (forged.status !== 501) {
      // HEAD has no body to hold a code.
      t.same(said(forged), [403, method === 'HEAD' ? undefined : 'SignatureDoesNotMatch'], 'changed')
      if (!ANYBODYS.includes(name)) {
        const foreign = presignPath(target, { method, path, expires: '60', headers, credentials: other() })
        const answer = await bare(call, foreign)
        t.equal(answer.status, 403, `another account’s: ${said(answer)}`)
      }
    }
    const nobody = await bare(call, path)
    if (![400, 501].includes(nobody.status)) t.equal(nobody.status, 403, `nobody’s: ${said(nobody)}`)
    const signed = await send({ method, path, headers, ...(body !== '' && { body }) })
    const byUrl = await bare(call, presigned)
    t.same(said(byUrl), said(signed))
    t.notMatch(element(byUrl.body, 'Code') ?? '', NOT_IN_A_URL)
  })
}

t.test('every operation: a URL made for one method is refused for another', async (t) => {
  for (const [name, operation] of ofBuckets) {
    const { method, path, headers } = callOf(name, operation)
    const presigned = presignPath(target, { method, path, expires: '60', headers })
    const another = method === 'GET' ? 'DELETE' : 'GET'
    const answer = await bare({ method: another, path, headers, body: '' }, presigned)
    // What is no operation at all is refused before anybody is asked who they are.
    if ([400, 405, 501].includes(answer.status)) continue
    refusedWire(t, answer, 403, 'SignatureDoesNotMatch', `${name} ${method} as ${another}`)
  }
})
