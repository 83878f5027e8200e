import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { systemClock, systemRandom } from '../../../src/base/system.ts'
import { Bodies } from '../../../src/cli/bench/bodies.ts'
import { KeyRange } from '../../../src/cli/bench/key-range.ts'
import { clearPlace, openPlace } from '../../../src/cli/bench/place.ts'
import { Requests } from '../../../src/cli/bench/requests.ts'
import { S3Endpoint } from '../../../src/cli/s3-client/endpoint.ts'
import { createRetry } from '../../../src/cli/s3-client/retry.ts'

const never = new AbortController().signal
const retry = createRetry({ attempts: 2, waitMs: 1, clock: systemClock, random: systemRandom, onRetry: () => {} })

/** A place at an endpoint that answers as `answer` does; `seen` are the requests with their bodies. */
async function placeAt(t: Test, answer: (asked: string, response: ServerResponse) => void) {
  const seen: { asked: string; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += String(piece)
    const asked = `${request.method} ${request.url}`
    seen.push({ asked, body })
    answer(asked, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const options = { url, region: 'here', credentials, idleMs: 5_000, connectionsMax: 2, clock: systemClock }
  const endpoint = new S3Endpoint(options)
  t.teardown(() => {
    endpoint[Symbol.dispose]()
    server.close()
  })
  return { seen, place: { endpoint, bucket: 'bucket', prefix: 'mine/', isOwnBucket: true } }
}

t.test('bench: a head of another length, and a listing without all keys, are failures', async (t) => {
  const { place } = await placeAt(t, (asked, response) => {
    if (asked.startsWith('HEAD')) return void response.writeHead(200, { 'content-length': 9 }).end()
    response.end('<ListBucketResult><Contents><Key>a</Key></Contents><KeyCount>1</KeyCount></ListBucketResult>')
  })
  const bodies = new Bodies(Buffer.alloc(16))
  await t.rejects(new Requests(place, bodies, 10).head('a', never), {
    code: 'WrongBytes',
    message: 'a: 9 bytes instead of 10',
  })
  t.equal(await new Requests(place, bodies, 9).head('a', never), 0)
  const range = new KeyRange('mine/')
  range.add()
  t.equal(await new Requests(place, bodies, 9).list(range, never), 0)
  range.add()
  await t.rejects(new Requests(place, bodies, 9).list(range, never), { code: 'MissingKeys' })
})

t.test('bench: a bucket is made where the keys are, and one that cannot be emptied is told of', async (t) => {
  const LISTED = `<ListVersionsResult><Version><Key>mine/a</Key><VersionId>1&lt;2</VersionId></Version></ListVersionsResult>`
  const { place, seen } = await placeAt(t, (asked, response) => {
    if (asked.startsWith('POST'))
      response.end(
        '<DeleteResult><Error><Key>mine/a</Key><Code>AccessDenied</Code><Message>Locked</Message></Error></DeleteResult>',
      )
    else response.end(asked.includes('versions') ? LISTED : '')
  })
  await openPlace(place, 'here', never)
  t.match(seen, [{ asked: 'PUT /bucket', body: /<LocationConstraint>here<\/LocationConstraint>/ }])
  await t.rejects(
    clearPlace(place, retry, never, () => {}),
    {
      name: 'CommandFailure',
      message: 'Not all could be removed below s3://bucket/mine/: AccessDenied: Locked.',
    },
  )
  t.match(seen.at(-1)!.body, /<Key>mine\/a<\/Key><VersionId>1&lt;2<\/VersionId>/)
})
