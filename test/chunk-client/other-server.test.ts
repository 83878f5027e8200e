import { randomBytes } from 'node:crypto'
import { Server, ServerCredentials, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import type { ServerId } from '../../src/base/ids.ts'
import { paths } from '../../src/chunk-client/methods.ts'
import { HealthCheckResponse_ServingStatus, type HealthServer, HealthService } from '../gen/grpc/health/v1/health.ts'
import {
  type BatchReply,
  type BatchRequest,
  ChunkStatus,
  type ChunkStoreServer,
  ChunkStoreService,
  type PutChunkRequest,
} from '../gen/sextant/chunk/v1/chunk.ts'
import { TestCa } from '../support/certificates.ts'
import {
  failureOf,
  HandView,
  NODE,
  never,
  smallChunk,
  TOKEN,
  testClient,
  testHeader,
  testTrailer,
} from '../support/chunk-cluster.ts'

/** The protocol by @grpc/grpc-js and generated code, over a Map: a server that somebody else might have written. */
function otherServer(chunks: Map<string, Buffer>, { isSecure }: { isSecure: boolean }): Server {
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  const keyOf = (id: Uint8Array) => Buffer.from(id).toString('hex')
  const answer = ({ callId, call }: BatchRequest['calls'][number]): BatchReply => {
    const reply = { callId, status: ChunkStatus.CHUNK_STATUS_OK, payload: Buffer.alloc(0), message: '' }
    if (call?.$case === 'put') chunks.set(keyOf(call.value.header!.chunkId), call.value.payload)
    if (call?.$case !== 'get') return reply
    const { chunkId, offset, length } = call.value
    const found = chunks.get(keyOf(chunkId))
    if (!found) return { ...reply, status: ChunkStatus.CHUNK_STATUS_NOT_FOUND, message: 'no such chunk' }
    return { ...reply, payload: found.subarray(offset, offset + length) }
  }
  const chunkStore: ChunkStoreServer = {
    batch(stream) {
      if (!isSecure && stream.metadata.get('authorization')[0] !== `Bearer ${TOKEN}`) {
        stream.emit('error', { code: status.UNAUTHENTICATED, details: 'who are you? «ü»' })
        return
      }
      stream.sendMetadata(stream.metadata.clone())
      stream.on('data', ({ calls }: BatchRequest) => stream.write({ replies: calls.map(answer) }))
      stream.on('end', () => stream.end())
    },
    async putChunk(stream, callback) {
      const frames = (await stream.toArray()) as PutChunkRequest[]
      const [first] = frames
      if (first?.frame?.$case !== 'header') return callback({ code: status.INVALID_ARGUMENT, details: 'no header' })
      const payload = frames.flatMap(({ frame }) => (frame?.$case === 'payload' ? [frame.value] : []))
      chunks.set(keyOf(first.frame.value.chunkId), Buffer.concat(payload))
      callback(null, {})
    },
    getChunk(stream) {
      const { chunkId, offset, length } = stream.request
      const found = chunks.get(keyOf(chunkId))
      if (!found) return void stream.emit('error', { code: status.NOT_FOUND, details: 'no such chunk' })
      for (let at = offset; at < offset + length; at += 100_000) {
        stream.write({ payload: found.subarray(at, Math.min(at + 100_000, offset + length)) })
      }
      stream.end()
    },
    deleteChunks({ request }, callback) {
      callback(null, { deleted: request.chunkIds.filter((id: Buffer) => chunks.delete(keyOf(id))).length })
    },
    listChunks(stream) {
      for (const [key, { length }] of chunks) {
        stream.write({ entries: [{ chunkId: Buffer.from(key, 'hex'), payloadBytes: length }] })
      }
      stream.end()
    },
    verifyChunks: (stream) => stream.end(),
    describeChunks: (stream) => stream.end(),
    stat: (_, callback) => callback({ code: status.UNIMPLEMENTED }),
  }
  const health: HealthServer = {
    check: (_, callback) => callback(null, { status: HealthCheckResponse_ServingStatus.SERVING }),
    watch: (stream) => stream.end(),
  }
  server.addService(ChunkStoreService, chunkStore)
  server.addService(HealthService, health)
  return server
}

async function start(
  t: Pick<Test, 'teardown'>,
  by: Parameters<typeof testClient>[2] = TOKEN,
  serverBy?: ServerCredentials,
) {
  const chunks = new Map<string, Buffer>()
  const server = otherServer(chunks, { isSecure: serverBy !== undefined })
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound))
    server.bindAsync('127.0.0.1:0', serverBy ?? ServerCredentials.createInsecure(), done)
  })
  const view = new HandView()
  view.set({ id: 'server-1' as ServerId, grpcAddress: `127.0.0.1:${port}` })
  const client = testClient(view, { callMs: 5000, idleMs: 5000 }, by)
  t.teardown(async () => {
    await client[Symbol.asyncDispose]()
    server.forceShutdown()
  })
  return { client, chunks, server }
}

t.test('our paths are those of the protocol', async (t) => {
  const { check } = HealthService
  const all = { ...ChunkStoreService, checkHealth: check }
  t.same(paths, Object.fromEntries(Object.entries(all).map(([name, { path }]) => [name, path])))
})

t.test('our client and another server: the wire is ordinary gRPC', async (t) => {
  const { client, chunks } = await start(t)
  for (const size of [0, 1, 5_000, 1_000_000]) {
    const chunk = smallChunk(randomBytes(size))
    await client.putChunk(NODE, chunk, never)
    const range = { ...chunk.header, offset: 0, length: size }
    t.ok((await client.getPayload(NODE, range, never)).equals(chunk.pieces[0]!), `${size} bytes`)
  }
  const header = testHeader()
  const block = randomBytes(65_540)
  const writer = client.openChunk(NODE, header, never)
  for (let n = 0; n < 150; n++) await writer.write([block])
  await writer.finish(testTrailer(block))
  const pieces: Buffer[] = []
  const range = { ...header, offset: 10, length: 150 * block.length - 10 }
  for await (const piece of client.streamPayload(NODE, range, never)) pieces.push(piece)
  t.ok(Buffer.concat(pieces).equals(Buffer.concat(Array.from({ length: 150 }, () => block)).subarray(10)))
  let listed = 0
  for await (const names of client.listChunks(NODE, {}, never)) listed += names.length
  t.equal(listed, 5)
  await client.deleteChunks(NODE, [header], never)
  t.equal(chunks.size, 4)
  t.equal(await failureOf(client.getPayload(NODE, range, never).then(() => {})), 'invalid')
  t.equal(await failureOf(client.getPayload(NODE, { ...range, length: 5 }, never)), 'not-found')
  t.equal(await failureOf(client.streamPayload(NODE, range, never)[Symbol.asyncIterator]().next()), 'not-found')
})

t.test('our client and another server: certificates', async (t) => {
  const ca = await TestCa.make()
  t.teardown(() => ca[Symbol.asyncDispose]())
  const { texts } = await ca.certificate({ usages: ['server'] })
  const pair = { cert_chain: Buffer.from(texts.cert), private_key: Buffer.from(texts.key) }
  const serverBy = ServerCredentials.createSsl(Buffer.from(texts.ca), [pair], true)
  const { client, chunks } = await start(t, { identity: await ca.identity({ usages: ['client'] }) }, serverBy)
  const writer = client.openChunk(NODE, testHeader(), never)
  await writer.write([randomBytes(500_000)])
  await writer.finish(testTrailer(Buffer.alloc(0)))
  t.equal(chunks.size, 1)
})

t.test('another server that refuses, or goes away', async (t) => {
  const refused = await start(t, 'wrong')
  await t.rejects(refused.client.putChunk(NODE, smallChunk(randomBytes(5)), never), { message: /who are you\? «ü»/ })
  const { client, server } = await start(t)
  await client.putChunk(NODE, smallChunk(randomBytes(5)), never)
  const writer = client.openChunk(NODE, testHeader(), never)
  await writer.write([randomBytes(10)])
  server.forceShutdown()
  t.equal(await failureOf(writer.finish(testTrailer(Buffer.alloc(0)))), 'unreachable')
  t.equal(await failureOf(client.putChunk(NODE, smallChunk(randomBytes(5)), never)), 'unreachable')
})
