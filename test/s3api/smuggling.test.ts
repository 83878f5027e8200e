import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import t from 'tap'
import { saveResult } from '../support/reliability.ts'
import { startS3 } from '../support/s3-server.ts'

/**
 * Requests that two parsers could take for different things: RFC 9112, section 11. Each is signed rightly, and carries a
 * second request, signed rightly too, where a proxy could see a body: a server that were deceived would do it.
 */
const s3 = await startS3()
t.teardown(() => s3[Symbol.asyncDispose]())
await s3.client.send(new CreateBucketCommand({ Bucket: 'bucket' }))
const inner = `${s3.head('PUT', '/bucket/smuggled', { 'Content-Length': '0' }).join('\r\n')}\r\n\r\n`

/** The carrier's head, with more lines; what is not signed can be anything. */
function head(lines: readonly string[], { method = 'PUT', end = '\r\n' } = {}): string {
  const own = s3.head(method, '/bucket/carrier').filter((line) => !/^content-length:/i.test(line))
  return `${[...own, ...lines].join(end)}${end}${end}`
}

const chunks = '5\r\nhello\r\n0\r\n\r\n'
const before = (line: string) => head([]).replace('\r\n', `\r\n${line}\r\n`)

/** By name, what is sent before the second request. */
const framings: Readonly<Record<string, string>> = {
  'Content-Length and Transfer-Encoding': `${head(['Content-Length: 5', 'Transfer-Encoding: chunked'])}0\r\n\r\n`,
  'Transfer-Encoding and Content-Length': `${head(['Transfer-Encoding: chunked', 'Content-Length: 4'])}5c\r\n`,
  'two lengths that differ': `${head(['Content-Length: 5', 'Content-Length: 0'])}hello`,
  'two lengths that agree': `${head(['Content-Length: 5', 'Content-Length: 5'])}hello`,
  'a list of lengths': `${head(['Content-Length: 5, 5'])}hello`,
  'a length with a sign': `${head(['Content-Length: +5'])}hello`,
  'a method of HTTP/2, without a version': 'PRI /bucket/key\r\nExpect: x\r\n\r\n',
  'a negative length': `${head(['Content-Length: -1'])}hello`,
  'a length in hex': `${head(['Content-Length: 0x5'])}hello`,
  'a length and more': `${head(['Content-Length: 5 0'])}hello`,
  'a length beyond 64 bits': `${head(['Content-Length: 18446744073709551621'])}hello`,
  'a blank before the colon of a length': `${head(['Content-Length : 5'])}hello`,
  'a blank before the colon of a coding': `${head(['Transfer-Encoding : chunked'])}${chunks}`,
  'a coding that is not the last': `${head(['Transfer-Encoding: chunked, gzip'])}${chunks}`,
  'an unknown coding': `${head(['Transfer-Encoding: xchunked'])}${chunks}`,
  'the identity coding': `${head(['Transfer-Encoding: identity'])}${chunks}`,
  'a coding in quotes': `${head(['Transfer-Encoding: "chunked"'])}${chunks}`,
  'a coding behind a vertical tab': `${head(['Transfer-Encoding: \x0bchunked'])}${chunks}`,
  'a coding that is folded': `${head(['Transfer-Encoding:\r\n chunked'])}${chunks}`,
  'a folded line': `${head(['X-A: b\r\n c', 'Content-Length: 0'])}`,
  'a first header that is folded': before(' X-A: b'),
  'Host twice': before('Host: elsewhere.example'),
  'no Host': head([]).replace(/^host:.*\r\n/im, ''),
  'bare LF after every line': head(['Content-Length: 0'], { end: '\n' }),
  'bare LF after one header': head(['X-A: b\nX-C: d', 'Content-Length: 0']),
  'bare CR in a header': head(['X-A: b\rContent-Length: 5', 'Content-Length: 0']),
  'bare LF at the end of the head': head(['Content-Length: 0']).replace(/\r\n\r\n$/, '\r\n\n'),
  'NUL in a header': head(['X-A: b\0c', 'Content-Length: 0']),
  'a header without a colon': head(['Content-Length 5', 'Content-Length: 0']),
  'a header without a name': head([': 5', 'Content-Length: 0']),
  'chunks that end in bare LF': `${head(['Transfer-Encoding: chunked'])}5\nhello\n0\n\n`,
  'a chunk that is longer than it says': `${head(['Transfer-Encoding: chunked'])}3\r\nhello\r\n0\r\n\r\n`,
  'a chunk without its CRLF': `${head(['Transfer-Encoding: chunked'])}5\r\nhello0\r\n\r\n`,
  'a chunk size in 0x': `${head(['Transfer-Encoding: chunked'])}0x5\r\nhello\r\n0\r\n\r\n`,
  'a chunk size with a sign': `${head(['Transfer-Encoding: chunked'])}+5\r\nhello\r\n0\r\n\r\n`,
  'a chunk size beyond 64 bits': `${head(['Transfer-Encoding: chunked'])}10000000000000005\r\nhello\r\n0\r\n\r\n`,
  'bare LF in a chunk extension': `${head(['Transfer-Encoding: chunked'])}5;a\nhello\r\n0\r\n\r\n`,
  'bare CR in a chunk extension': `${head(['Transfer-Encoding: chunked'])}5;a\rb\r\nhello\r\n0\r\n\r\n`,
  'another address as the target': head(['Content-Length: 0']).replace('/bucket/', 'http://elsewhere.example/bucket/'),
  'a blank in the target': head(['Content-Length: 0']).replace('/bucket/carrier', '/bucket/carrier /x'),
  'an unknown version': head(['Content-Length: 0']).replace('HTTP/1.1', 'HTTP/1.9'),
  'chunks in HTTP/1.0': `${head(['Transfer-Encoding: chunked']).replace('HTTP/1.1', 'HTTP/1.0')}${chunks}`,
}

/** All that came back until the server closed the connection; it has to. */
async function talk(bytes: string): Promise<string> {
  const socket = connect(s3.server.port, '127.0.0.1')
  let received = ''
  socket.on('error', () => {})
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text
  })
  const closed = once(socket, 'close').then(() => true)
  socket.write(bytes, 'latin1')
  const isClosed = await Promise.race([closed, sleep(10_000, false, { ref: false })])
  socket.destroy()
  if (!isClosed) throw new Error(`still open after ${JSON.stringify(received)}`)
  return received
}

const statusesIn = (received: string) =>
  [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((found) => Number(found[1]))
const stored = () => [...s3.engine.buckets.values()].flatMap(({ objects }) => [...objects.keys()])

t.afterEach(() => {
  for (const { objects } of s3.engine.buckets.values()) objects.clear()
})

/** What was refused as it should be, and left nothing. */
const refused = { framings: 0, lies: 0 }

for (const [name, carrier] of Object.entries(framings)) {
  t.test(`smuggling: ${name}: refused, and the connection closed`, async (t) => {
    const received = await talk(carrier + inner)
    const statuses = statusesIn(received)
    t.notMatch(received, /FST_/, 'in no words but S3’s')
    t.ok(statuses.length <= 1, `one answer at most: ${statuses}`)
    t.ok(
      statuses.every((status) => status >= 400 && status < 500),
      `${statuses}`,
    )
    t.same(stored(), [], 'nothing was stored')
    if (t.passing()) refused.framings += 1
  })
}

t.test('smuggling: the same two requests, framed as they should be: two answers, both are done', async (t) => {
  const close = inner.replace('\r\n', '\r\nConnection: close\r\n')
  const received = await talk(`${head(['Content-Length: 5'])}hello${close}`)
  t.same(statusesIn(received), [200, 200])
  t.same(stored().sort(), ['carrier', 'smuggled'])
})

t.test('smuggling: a request as the body of a GET, a HEAD or a DELETE is that body', async (t) => {
  for (const method of ['GET', 'HEAD', 'DELETE']) {
    const length = [`Content-Length: ${inner.length}`, 'Connection: close']
    const statuses = statusesIn(await talk(head(length, { method }) + inner))
    t.equal(statuses.length, 1, `${method}: ${statuses}`)
    t.same(stored(), [])
  }
})

t.test('smuggling: to upgrade, or to tunnel, is no way past HTTP/1.1', async (t) => {
  const upgrade = [
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABk',
    'Content-Length: 0',
  ]
  for (const method of ['GET', 'CONNECT']) {
    const received = await talk(head([...upgrade, 'Connection: close'], { method }) + inner)
    t.notMatch(received, /^HTTP\/1\.1 (101|200)/m)
    t.same(stored(), [])
  }
})

/** Framed as HTTP should be; it is S3's own framing, or the signature's cover, that lies. */
const lies: Readonly<Record<string, readonly [lines: readonly string[], payload: string, body: string]>> = {
  'a decoded length that is too long': [
    ['x-amz-decoded-content-length: 9'],
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    `${chunks}`,
  ],
  'a decoded length that is too short': [
    ['x-amz-decoded-content-length: 4'],
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    `${chunks}`,
  ],
  'a decoded length twice': [
    ['x-amz-decoded-content-length: 5', 'x-amz-decoded-content-length: 5'],
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    chunks,
  ],
  'a decoded length that is no number': [
    ['x-amz-decoded-content-length: 5, 5'],
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    chunks,
  ],
  'an extension of a frame': [
    ['x-amz-decoded-content-length: 5'],
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    '5;a=b\r\nhello\r\n0\r\n\r\n',
  ],
  'bare LF behind a frame': [
    ['x-amz-decoded-content-length: 5'],
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    '5\nhello\r\n0\r\n\r\n',
  ],
  'more behind the last frame': [
    ['x-amz-decoded-content-length: 5'],
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    `${chunks}x`,
  ],
  'the date twice': [['x-amz-date: 20130524T000000Z'], 'UNSIGNED-PAYLOAD', 'hello'],
  'the payload hash twice': [['x-amz-content-sha256: UNSIGNED-PAYLOAD'], 'UNSIGNED-PAYLOAD', 'hello'],
  'Authorization twice': [['Authorization: AWS4-HMAC-SHA256 x'], 'UNSIGNED-PAYLOAD', 'hello'],
  'a copy source that nobody signed': [['x-amz-copy-source: /bucket/x'], 'UNSIGNED-PAYLOAD', ''],
  'metadata that nobody signed': [['x-amz-meta-a: b'], 'UNSIGNED-PAYLOAD', 'hello'],
}

for (const [name, [lines, payload, body]] of Object.entries(lies)) {
  t.test(`smuggling: ${name}: refused`, async (t) => {
    const signed: Record<string, string> = { 'x-amz-content-sha256': payload }
    const unsigned: string[] = ['Connection: close', `Content-Length: ${body.length}`]
    for (const line of lines) {
      const [header, value] = line.split(': ') as [string, string]
      if (header === 'x-amz-decoded-content-length' && !(header in signed)) signed[header] = value
      else unsigned.push(line)
    }
    const text = `${[...s3.head('PUT', '/bucket/carrier', signed), ...unsigned].join('\r\n')}\r\n\r\n${body}`
    const statuses = statusesIn(await talk(text))
    t.equal(statuses.length, 1)
    t.ok([400, 403].includes(statuses[0]!), `${statuses}`)
    t.same(stored(), [])
    if (t.passing()) refused.lies += 1
  })
}

t.test('smuggling: all that was tried', async () => {
  const [framed, lied] = [Object.keys(framings).length, Object.keys(lies).length]
  await saveResult({
    name: 'smuggling',
    test: 'test/s3api/smuggling.test.ts',
    promise:
      'A request that two parsers could take for different things is refused, its connection closed, and what it carries is not done; rightly framed, the same two requests are done',
    passed: t.passing(),
    runs: `${framed} ways to frame a request wrongly, each with a second one inside that is signed rightly; ${lied} lengths and headers that lie`,
    result: `${refused.framings} and ${refused.lies} refused, nothing stored`,
  })
})
