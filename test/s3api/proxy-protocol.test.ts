import { once } from 'node:events'
import { SocketAddress } from 'node:net'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { parseAddressList } from '../../src/base/address-list.ts'
import { PROXY_HEADER_BYTES_MAX, readProxyHeader } from '../../src/s3api/http/proxy-header.ts'
import { TestCa } from '../support/certificates.ts'
import { binaryHeader, lineHeader } from '../support/proxy-header.ts'
import { type RawConnection, startS3 } from '../support/s3-server.ts'

const CLIENT = '192.0.2.7'
const octets = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((each) => [...each])
const header = fc.oneof(
  fc.ipV4().map((from) => ({ bytes: lineHeader({ from }), address: from })),
  fc.ipV6().map((from) => ({
    bytes: lineHeader({ from, to: '::1', family: 'TCP6' }),
    address: new SocketAddress({ address: from, family: 'ipv6' }).address,
  })),
  fc.constant({ bytes: Buffer.from('PROXY UNKNOWN\r\n'), address: undefined }),
  fc
    .tuple(octets(4), octets(20))
    .map(([from, more]) => ({ bytes: binaryHeader({ from, more }), address: from.join('.') })),
  octets(4).map((from) => ({ bytes: binaryHeader({ from, command: 0 }), address: undefined })),
  octets(16).map((from) => {
    const groups = Array.from({ length: 8 }, (_, i) => (from[2 * i]! * 256 + from[2 * i + 1]!).toString(16))
    const { address } = new SocketAddress({ address: groups.join(':'), family: 'ipv6' })
    return { bytes: binaryHeader({ from, kind: 0x21 }), address }
  }),
)

t.test('PROXY header: read once it is whole, and what follows it is nothing of it', async () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 50 }), ({ bytes, address }, behind) => {
      const all = Buffer.concat([bytes, behind])
      for (let length = 0; length <= all.length; length++) {
        const read = readProxyHeader(all.subarray(0, length))
        if (length < bytes.length ? read !== 'more' : !isHeader(read, bytes.length, address)) return false
      }
      return true
    }),
  )
})

function isHeader(read: ReturnType<typeof readProxyHeader>, sizeBytes: number, address: string | undefined): boolean {
  return typeof read === 'object' && read.sizeBytes === sizeBytes && read.address === address
}

t.test('PROXY header: whatever bytes come, it is judged, at the latest when its bound is reached', async () => {
  const starts = [
    Buffer.alloc(0),
    Buffer.from('PROXY '),
    Buffer.from('PROXY TCP4 '),
    binaryHeader({ from: [] }).subarray(0, 12),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 200 }), (start, rest) => {
      const bytes = Buffer.concat([start, rest])
      const read = readProxyHeader(bytes)
      const padded = Buffer.concat([bytes, Buffer.alloc(PROXY_HEADER_BYTES_MAX)])
      if (read === 'more') return readProxyHeader(padded) !== 'more'
      return typeof read === 'string' || read.sizeBytes <= bytes.length
    }),
    { numRuns: 2_000 },
  )
})

t.test('PROXY header: what is none is refused', async (t) => {
  const v4 = [192, 0, 2, 7]
  const wrong: Buffer[] = [
    ...[
      'GET / HTTP/1.1\r\n',
      'PROXY TCP4 192.0.2.7 198.51.100.1 5678\r\n',
      'PROXY TCP4 ::1 ::1 1 2\r\n',
      'PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n',
    ],
    ...[
      'PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n',
      'PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n',
      'PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n',
    ],
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
  ].map((line) => Buffer.from(line))
  wrong.push(
    binaryHeader({ from: v4, command: 2 }),
    binaryHeader({ from: v4, kind: 0x21 }),
    binaryHeader({ from: v4, kind: 0x31 }),
  )
  wrong.push(binaryHeader({ from: v4, more: new Array(PROXY_HEADER_BYTES_MAX).fill(0) }))
  for (const bytes of wrong) t.equal(readProxyHeader(bytes), 'wrong', JSON.stringify(bytes.toString('latin1', 0, 60)))
})

async function start(
  t: Test,
  more: { trusted?: string; proxyHeaderMs?: number; tls?: Awaited<ReturnType<TestCa['identity']>> } = {},
) {
  const { trusted = '127.0.0.0/8', proxyHeaderMs = 60_000, tls } = more
  const settings = { trustedProxies: parseAddressList([trusted]), hasProxyHeaders: true, http: { proxyHeaderMs }, tls }
  const s3 = await startS3({ settings })
  t.teardown(() => s3[Symbol.asyncDispose]())
  const isAnswered = async (connection: RawConnection, headers: Record<string, string> = {}) => {
    connection.send(s3.head('GET', '/', headers))
    t.equal((await connection.answer()).status, 200)
    return s3.logged.at(-1)!.fields.remote
  }
  return { s3, isAnswered }
}

t.test(
  'PROXY protocol: the client’s address is the one that the header names, for all of its connection',
  async (t) => {
    const { s3, isAnswered } = await start(t)
    for (const bytes of [lineHeader({ from: CLIENT }), binaryHeader({ from: [192, 0, 2, 7], more: [4, 0, 1, 9] })]) {
      const connection = await s3.raw()
      connection.send(bytes)
      t.equal(await isAnswered(connection), CLIENT)
      t.equal(await isAnswered(connection, { 'X-Forwarded-For': '198.51.100.9' }), CLIENT, 'who is no proxy')
      const slow = await s3.raw()
      const all = Buffer.concat([bytes, Buffer.from(`${s3.head('GET', '/').join('\r\n')}\r\n\r\n`)])
      for (const byte of all) {
        slow.send(Buffer.from([byte]))
        await new Promise((resolve) => setImmediate(resolve))
      }
      t.equal((await slow.answer()).status, 200, 'byte by byte')
      const together = await s3.raw()
      together.send(all)
      t.equal((await together.answer()).status, 200, 'all at once')
      t.equal(s3.logged.at(-1)!.fields.remote, CLIENT)
    }
    const own = await s3.raw()
    own.send('PROXY UNKNOWN\r\n')
    t.equal(await isAnswered(own), '127.0.0.1', 'the proxy’s own')
  },
)

t.test('PROXY protocol: a body that comes along with the header is whole', async (t) => {
  const { s3 } = await start(t)
  const made = await s3.raw()
  made.send(lineHeader({ from: CLIENT }))
  made.send(s3.head('PUT', '/bucket', { 'Content-Length': '0' }))
  t.equal((await made.answer()).status, 200)
  const body = Buffer.alloc(3_000_000, 'abcdefg')
  const connection = await s3.raw()
  const head = Buffer.from(
    `${s3.head('PUT', '/bucket/key', { 'Content-Length': `${body.length}` }).join('\r\n')}\r\n\r\n`,
  )
  connection.send(Buffer.concat([lineHeader({ from: CLIENT }), head, body]))
  t.equal((await connection.answer()).status, 200)
  connection.send(s3.head('GET', '/bucket/key'))
  t.ok((await connection.answer()).body === body.toString('latin1'))
})

t.test('PROXY protocol: who sends no header, or is no trusted proxy, is closed unanswered', async (t) => {
  const { s3 } = await start(t)
  const direct = await s3.raw()
  direct.send(s3.head('GET', '/'))
  await t.rejects(direct.answer(), /ended after ""/)
  const strangers = await start(t, { trusted: '10.0.0.0/8' })
  const stranger = await strangers.s3.raw()
  stranger.send(lineHeader({ from: CLIENT }))
  await t.rejects(stranger.answer(), /ended after ""/)
  const silent = await (await start(t, { proxyHeaderMs: 50 })).s3.raw()
  silent.send('PROXY TCP4 ')
  await silent.closed
  t.same(
    [s3.logged, strangers.s3.logged].flat().filter(({ message }) => message === 'request'),
    [],
  )
})

t.test('PROXY protocol: closing does not wait for headers', async (t) => {
  const { s3 } = await start(t)
  const silent = await s3.raw()
  await s3.server.close(3_600_000)
  await silent.closed
})

t.test('PROXY protocol: the header comes before TLS', async (t) => {
  await using ca = await TestCa.make()
  const { s3 } = await start(t, { tls: await ca.identity({ usages: ['server'] }) })
  for (const bytes of [lineHeader({ from: CLIENT }), binaryHeader({ from: [192, 0, 2, 7] })]) {
    const { socket } = await s3.raw()
    socket.removeAllListeners('data')
    socket.write(bytes)
    const secure = connectTls({ socket, ca: ca.cert, servername: 'localhost' })
    await once(secure, 'secureConnect')
    secure.write(`${s3.head('GET', '/').join('\r\n')}\r\n\r\n`)
    const [answer] = (await once(secure, 'data')) as [Buffer]
    t.match(answer.toString('latin1'), /^HTTP\/1.1 200 /)
    t.equal(s3.logged.at(-1)!.fields.remote, CLIENT)
    secure.destroy()
  }
})
