import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:https'
import { connect } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import t, { type Test } from 'tap'
import { silentLog } from '../../src/base/log.ts'
import { systemClock } from '../../src/base/system.ts'
import { openIdentity } from '../../src/base/tls/identity.ts'
import { TestCa } from '../support/certificates.ts'
import { startS3 } from '../support/s3-server.ts'

const ca = await TestCa.make()
t.teardown(() => ca[Symbol.asyncDispose]())

async function startSecure(t: Test) {
  const held = await ca.certificate({ usages: ['server'] })
  const { cert, key } = held.files
  const clock = systemClock
  const tls = openIdentity({ files: { cert, key }, minVersion: 'TLSv1.2', lookMs: 1e6, clock, log: silentLog })
  const s3 = await startS3({ settings: { tls, allowsCustomerKeysOverHttp: false } })
  t.teardown(async () => {
    await s3.server.close(0)
    tls[Symbol.dispose]()
  })
  return { ...s3, tls, held }
}

async function handshake(t: Test, port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: ca.cert, ...options })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** SSE-C is S3's to refuse over http. */
async function putWithKey(client: S3Client, bucket: string): Promise<string> {
  const key = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') }
  const sent = client.send(new PutObjectCommand({ Bucket: bucket, Key: 'k', Body: 'x', ...key }))
  return await sent.then(
    () => 'taken',
    (error: Error) => error.message,
  )
}

t.test('https: requests are answered, and count as secure', async (t) => {
  const { server, key } = await startSecure(t)
  const client = new S3Client({
    endpoint: `https://127.0.0.1:${server.port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: key,
    requestHandler: { httpsAgent: new Agent({ ca: ca.cert }) },
  })
  t.teardown(() => client.destroy())
  await client.send(new CreateBucketCommand({ Bucket: 'secure' }))
  t.notMatch(await putWithKey(client, 'secure'), /secure connection/i)
  const plain = await startS3({ settings: { allowsCustomerKeysOverHttp: false } })
  t.teardown(() => plain.server.close(0))
  await plain.client.send(new CreateBucketCommand({ Bucket: 'plain' }))
  t.match(await putWithKey(plain.client, 'plain'), /secure connection/i)
})

t.test('https: TLS 1.2 and 1.3, HTTP/1.1, and nothing older', async (t) => {
  const { server } = await startSecure(t)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await handshake(t, server.port, { maxVersion: version, ALPNProtocols: ['h2', 'http/1.1'] })
    t.equal(socket.getProtocol(), version)
    t.equal(socket.alpnProtocol, 'http/1.1')
  }
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await t.rejects(handshake(t, server.port, old), { code: /ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/ })
})

t.test('https: plain http is no request, and harms nobody', async (t) => {
  const { server } = await startSecure(t)
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => {}).write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n')
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  await once(socket, 'close')
  t.notMatch(Buffer.concat(pieces).toString('latin1'), /HTTP\/1/)
  await handshake(t, server.port)
})

t.test('https: a renewed certificate is shown to new connections', async (t) => {
  const { server, tls, held } = await startSecure(t)
  const first = await handshake(t, server.port)
  const next = await ca.certificate({ usages: ['server'] })
  await writeFile(held.files.key, next.texts.key)
  await writeFile(held.files.cert, next.texts.cert)
  await tls.look()
  const second = await handshake(t, server.port)
  const serialOf = (socket: TLSSocket) => socket.getPeerX509Certificate()!.serialNumber
  t.not(serialOf(first), serialOf(second))
  first.write('GET /health HTTP/1.1\r\nHost: a\r\n\r\n')
  const [answer] = (await once(first, 'data')) as [Buffer]
  t.match(answer.toString(), /^HTTP\/1\.1 200/, 'and the old connection goes on')
})

t.test('https: closing waits neither for idle connections nor for handshakes', async (t) => {
  const { server } = await startSecure(t)
  await handshake(t, server.port)
  const silent = connect(server.port, '127.0.0.1')
  silent.on('error', () => {})
  await once(silent, 'connect')
  const isClosed = once(silent, 'close')
  // With a patience that no test has.
  await server.close(3_600_000)
  await isClosed
})
