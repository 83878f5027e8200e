import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChannelCredentials, credentials } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import type { ChunkError } from '../../src/base/faults.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import type { TlsIdentity } from '../../src/base/tls/identity.ts'
import type { StorageNode } from '../../src/storage-node/node.ts'
import { type HeldCertificate, TestCa } from '../support/certificates.ts'
import { HandView, NODE, never, smallChunk, startTestNode, testClient } from '../support/chunk-cluster.ts'
import { answer, protocolClient } from '../support/chunk-protocol.ts'
import { until } from '../support/until.ts'

const ca = await TestCa.make()
t.teardown(() => ca[Symbol.asyncDispose]())

interface Refusal {
  reason: string
  remote: string | undefined
}

async function startNode(t: Test, identity: TlsIdentity, socketPath = '') {
  const refusals: Refusal[] = []
  const log: Log = { ...silentLog, child: () => log, warn: (fields) => void refusals.push(fields as Refusal) }
  const node = await startTestNode({ log, settings: { credentials: { identity }, socketPath } })
  t.teardown(() => node[Symbol.asyncDispose]())
  return { node, refusals }
}

function clientOf(t: Test, node: StorageNode, by: Parameters<typeof testClient>[2], changes = {}) {
  const view = new HandView()
  view.setNode(node, changes)
  const client = testClient(view, { connectMs: 20_000, callMs: 20_000, idleMs: 20_000 }, by)
  t.teardown(() => client[Symbol.asyncDispose]())
  return client
}

/** Why it cannot put a chunk. */
async function complaint(client: ReturnType<typeof clientOf>): Promise<string> {
  try {
    await client.putChunk(NODE, smallChunk(randomBytes(10)), never)
    return 'it can'
  } catch (error) {
    return (error as ChunkError).message
  }
}

const day = 86_400_000
const callsOnly = { usages: ['client'] as const }
const calledOnly = { usages: ['server'] as const }

t.test('certificates: small chunks and streams go both ways, by TCP and by a Unix socket', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-tls-'))
  t.teardown(() => rm(directory, { recursive: true }))
  const { node } = await startNode(t, await ca.identity(calledOnly), join(directory, 'node.sock'))
  for (const socketPath of ['', node.socketPath]) {
    const client = clientOf(t, node, { identity: await ca.identity(callsOnly) }, { socketPath })
    const chunk = smallChunk(randomBytes(70_000))
    await client.putChunk(NODE, chunk, never)
    t.ok(
      (await client.getPayload(NODE, { ...chunk.header, offset: 0, length: 70_000 }, never)).equals(chunk.pieces[0]!),
    )
    const large = smallChunk(randomBytes(4_000_000))
    const writer = client.openChunk(NODE, large.header, never)
    for (let at = 0; at < 4_000_000; at += 500_000) await writer.write([large.pieces[0]!.subarray(at, at + 500_000)])
    await writer.finish(large.trailer)
    const range = { ...large.header, offset: 0, length: 4_000_000 }
    const read: Buffer[] = []
    for await (const piece of client.streamPayload(NODE, range, never)) read.push(Buffer.from(piece))
    t.ok(Buffer.concat(read).equals(large.pieces[0]!))
  }
})

function grpc({ texts: { cert, key, ca } }: HeldCertificate): ChannelCredentials {
  return credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert))
}

async function callBy(t: Test, node: StorageNode, by: ChannelCredentials): Promise<string> {
  const client = protocolClient(node.grpcAddress, by)
  t.teardown(() => client.close())
  try {
    await answer((done) => client.stat({}, done))
    return 'answered'
  } catch (error) {
    return (error as Error).message
  }
}

t.test('a node and gRPC clients that others wrote', async (t) => {
  const { node, refusals } = await startNode(t, await ca.identity())
  t.equal(await callBy(t, node, grpc(await ca.certificate(callsOnly))), 'answered')
  t.same(refusals, [])

  const other = await TestCa.make()
  t.teardown(() => other[Symbol.asyncDispose]())
  const ofOther = await other.certificate()
  const cases: [ChannelCredentials, string][] = [
    [credentials.createSsl(Buffer.from(ca.cert)), 'it shows no certificate'],
    [grpc({ ...ofOther, texts: { ...ofOther.texts, ca: ca.cert } }), 'its certificate is of another CA'],
    [grpc(await ca.certificate({ madeAtMs: Date.now() - 2 * day })), 'its certificate has expired'],
    [grpc(await ca.certificate({ madeAtMs: Date.now() + 2 * day })), /not valid yet/.source],
    [grpc(await ca.certificate(calledOnly)), 'its certificate is not for calling others'],
    [credentials.createInsecure(), 'it does not speak TLS'],
  ]
  for (const [by, reason] of cases) {
    t.not(await callBy(t, node, by), 'answered', reason)
    await until(() => refusals.some((refusal) => refusal.reason.includes(reason.replace(/\\/g, ''))))
    t.equal(refusals.at(0)?.remote, '127.0.0.1')
  }
})

t.test('a node and its own kind of client: refused by certificate, token or plain text', async (t) => {
  const { node, refusals } = await startNode(t, await ca.identity())
  const byToken = clientOf(t, node, 'a-token-for-tests', {})
  t.match(await complaint(byToken), /closed|within/)
  const expired = await ca.identity({ madeAtMs: Date.now() - 2 * day })
  t.match(await complaint(clientOf(t, node, { identity: expired })), /closed/)
  await until(() => refusals.some(({ reason }) => reason === 'its certificate has expired'))
})

t.test('a client believes only a node whose certificate is good and names its address', async (t) => {
  const other = await TestCa.make()
  t.teardown(() => other[Symbol.asyncDispose]())
  const mine = { identity: await ca.identity(callsOnly) }
  const cases: [TlsIdentity, RegExp][] = [
    [await other.identity(), /self-signed|issuer|verify/],
    [await ca.identity({ hosts: ['storage-9', '10.9.9.9'] }), /127\.0\.0\.1 is not in the cert's list/],
    [await ca.identity({ madeAtMs: Date.now() - 2 * day }), /expired/],
    [await ca.identity(callsOnly), /purpose/],
  ]
  for (const [identity, reason] of cases) {
    const { node } = await startNode(t, identity)
    t.match(await complaint(clientOf(t, node, mine)), reason)
  }
  const plain = await startTestNode()
  t.teardown(() => plain[Symbol.asyncDispose]())
  t.not(await complaint(clientOf(t, plain, mine)), 'it can')
})

t.test('a token that stays on this host is not shown to another', async (t) => {
  const node = await startTestNode()
  t.teardown(() => node[Symbol.asyncDispose]())
  const local = { token: 'a-token-for-tests', staysHere: true }
  t.equal(await complaint(clientOf(t, node, local)), 'it can')
  t.match(await complaint(clientOf(t, node, local, { grpcAddress: '192.0.2.1:9000' })), /192\.0\.2\.1 is another host/)
})

t.test('a caller that never ends its handshake is no reason for a node not to stop', async (t) => {
  const { node } = await startNode(t, await ca.identity())
  const socket = connect(Number(node.grpcAddress.split(':').at(-1)), '127.0.0.1')
  t.teardown(() => socket.destroy())
  await new Promise((resolve) => socket.once('connect', resolve))
  const startedMs = performance.now()
  await node[Symbol.asyncDispose]()
  t.ok(performance.now() - startedMs < 9_000, 'it does not wait for the time-out of the handshake')
})
