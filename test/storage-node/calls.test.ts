import { randomBytes } from 'node:crypto'
import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import t, { type Test } from 'tap'
import { chunkIdBytes } from '../../src/base/ids.ts'
import {
  ChunkStatus,
  ChunkStoreService,
  type PutChunkRequest,
  type PutChunkResponse,
} from '../gen/sextant/chunk/v1/chunk.ts'
import { startTestNode, testHeader, testTrailer } from '../support/chunk-cluster.ts'
import { answer, bearer, protocolClient } from '../support/chunk-protocol.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { until } from '../support/until.ts'

async function start(t: Pick<Test, 'teardown'>) {
  const disk = new MemoryDisk('server-1')
  const node = await startTestNode({ disk })
  const client = protocolClient(node.grpcAddress)
  t.teardown(async () => {
    client.close()
    await node[Symbol.asyncDispose]()
  })
  return { disk, node, client }
}

function frames(payload: Buffer, chunkId: Buffer = randomBytes(17)): PutChunkRequest['frame'][] {
  const header = { chunkId, dataChunks: 6, parityChunks: 2, blockBytes: 131_072, label: Buffer.from('label') }
  const trailer = { partBytes: payload.length, chunkHash: testTrailer(payload).chunkHash, seal: Buffer.from('seal') }
  return [
    { $case: 'header', value: header },
    { $case: 'payload', value: payload },
    { $case: 'trailer', value: trailer },
  ]
}

function put(client: ReturnType<typeof protocolClient>, all: PutChunkRequest['frame'][], metadata = bearer()) {
  return answer<PutChunkResponse>((done) => {
    const call = client.putChunk(metadata, done)
    call.on('error', () => {})
    for (const frame of all) call.write({ frame })
    call.end()
  })
}

t.test('the generated client puts, gets, lists, verifies and deletes: the wire is ordinary protobuf', async (t) => {
  const { client, disk } = await start(t)
  const payload = randomBytes(600_000)
  const chunkId = chunkIdBytes(testHeader().partId, 3)
  await put(client, frames(payload, chunkId))
  t.same(
    [...disk.chunks.values()].map(({ header }) => [header.blockBytes, Buffer.from(header.label).toString()]),
    [[131_072, 'label']],
  )

  const pieces = await client.getChunk({ chunkId, offset: 1000, length: 500_000 }, bearer()).toArray()
  t.ok(pieces.length > 1)
  t.ok(Buffer.concat(pieces.map((piece) => piece.payload)).equals(payload.subarray(1000, 501_000)))

  const listed = await client.listChunks({ session: 7, createdBeforeUnixMs: Date.now() + 1000 }, bearer()).toArray()
  t.same(
    listed.flatMap(({ entries }) =>
      entries.map((entry: { chunkId: Buffer; payloadBytes: number }) => [
        entry.chunkId.toString('hex'),
        entry.payloadBytes,
      ]),
    ),
    [[chunkId.toString('hex'), 600_000]],
  )
  t.same(await client.listChunks({ session: 8 }, bearer()).toArray(), [])

  disk.chunks.get(chunkId.toString('hex'))!.payload[0]! ^= 1
  const verdicts = await client.verifyChunks({ chunkIds: [chunkId, randomBytes(17)] }, bearer()).toArray()
  t.same(
    verdicts.map((verdict) => verdict.status),
    [ChunkStatus.CHUNK_STATUS_CORRUPT, ChunkStatus.CHUNK_STATUS_NOT_FOUND],
  )

  const request = { chunkIds: [chunkId, randomBytes(17)] }
  const described = await client.describeChunks(request, bearer()).toArray()
  t.match(described, [
    { chunkId, status: ChunkStatus.CHUNK_STATUS_OK, header: { blockBytes: 131_072 }, trailer: { partBytes: 600_000 } },
    { status: ChunkStatus.CHUNK_STATUS_NOT_FOUND, header: undefined },
  ])
  t.equal(Buffer.from(described[0].header.label).toString(), 'label')
  t.same(await answer((done) => client.deleteChunks(request, bearer(), done)), { deleted: 1 })
  const stat = await answer<{ serverId: string }>((done) => client.stat({}, bearer(), done))
  t.equal(stat.serverId, 'server-1')
})

t.test('batch: the generated client gets an answer to every call, in whatever order', async (t) => {
  const { client, disk } = await start(t)
  const payload = randomBytes(700)
  const chunkId = randomBytes(17)
  const [header, , trailer] = frames(payload, chunkId)
  const call = client.batch(bearer())
  const replies: { callId: number; status: number; payload: Buffer }[] = []
  call.on('data', (message: { replies: typeof replies }) => replies.push(...message.replies))
  const value = { header: header!.value as never, trailer: trailer!.value as never, payload }
  call.write({
    calls: [
      { callId: 1, call: { $case: 'put', value } },
      { callId: 2, call: undefined },
    ],
  })
  await until(() => replies.length === 2)
  const get = (offset: number, length: number, id = chunkId) => ({
    $case: 'get' as const,
    value: { chunkId: id, offset, length, where: false },
  })
  call.write({
    calls: [
      { callId: 3, call: get(100, 50) },
      { callId: 4, call: get(0, 701) },
      { callId: 5, call: get(0, 1, randomBytes(17)) },
      { callId: 6, call: get(0, 1, randomBytes(16)) },
      { callId: 7, call: get(0, 2 ** 21) },
    ],
  })
  call.end()
  await until(() => replies.length === 7)
  const { CHUNK_STATUS_OK: OK, CHUNK_STATUS_INVALID: INVALID, CHUNK_STATUS_NOT_FOUND: NOT_FOUND } = ChunkStatus
  const byId = replies.sort((a, b) => a.callId - b.callId)
  t.same(
    byId.map((reply) => reply.status),
    [OK, INVALID, OK, INVALID, NOT_FOUND, INVALID, INVALID],
  )
  t.ok(byId[2]!.payload.equals(payload.subarray(100, 150)))
  t.equal(disk.putCount, 1)
})

t.test('every method refuses a token that is missing or wrong, and uses nothing of the call', async (t) => {
  const { client, disk } = await start(t)
  const refused: Metadata[] = [new Metadata(), bearer('wrong'), bearer('')]
  const ids = { chunkIds: [randomBytes(17)] }
  const calls: { [name: string]: (metadata: Metadata) => Promise<unknown> } = {
    putChunk: (metadata) => put(client, frames(randomBytes(100_000)), metadata),
    getChunk: (metadata) => client.getChunk({ chunkId: randomBytes(17), offset: 0, length: 1 }, metadata).toArray(),
    batch: async (metadata) => {
      const call = client.batch(metadata)
      call.write({ calls: [{ callId: 1, call: undefined }] })
      await call.toArray()
    },
    deleteChunks: (metadata) => answer((done) => client.deleteChunks(ids, metadata, done)),
    listChunks: (metadata) => client.listChunks({}, metadata).toArray(),
    verifyChunks: (metadata) => client.verifyChunks(ids, metadata).toArray(),
    describeChunks: (metadata) => client.describeChunks(ids, metadata).toArray(),
    stat: (metadata) => answer((done) => client.stat({}, metadata, done)),
  }
  t.same(Object.keys(calls).sort(), Object.keys(ChunkStoreService).sort())
  let touched = 0
  const note = async () => {
    touched += 1
  }
  disk.hooks = { put: note, sinkWrite: note, read: note, stat: note }
  for (const [name, call] of Object.entries(calls)) {
    for (const metadata of refused) await t.rejects(call(metadata), { code: status.UNAUTHENTICATED }, name)
  }
  t.equal(touched + disk.openSinks, 0)
})

t.test('a call that means another server is refused', async (t) => {
  const { client } = await start(t)
  const metadata = bearer()
  metadata.set('sextant-server-id', 'server-2')
  await t.rejects(
    answer((done) => client.stat({}, metadata, done)),
    { code: status.FAILED_PRECONDITION },
  )
})

t.test('putChunk: what is out of order, cut short or out of bounds is refused, and leaves nothing', async (t) => {
  const { client, disk } = await start(t)
  const payload = randomBytes(1000)
  const [header, body, trailer] = frames(payload)
  const longLabel = {
    $case: 'header' as const,
    value: { ...(header!.value as object), label: randomBytes(70_000) } as never,
  }
  const cases: [string, PutChunkRequest['frame'][]][] = [
    ['no header', [body, trailer]],
    ['two headers', [header, header, trailer]],
    ['no trailer', [header, body]],
    ['nothing', []],
    ['an id of 16 bytes', frames(payload, randomBytes(16))],
    ['an id of 18 bytes', frames(payload, randomBytes(18))],
    ['a piece of more than 1 MiB', frames(randomBytes(2 ** 20 + 1))],
    ['a long label', [longLabel, body, trailer]],
    ['an empty frame', [header, undefined, trailer]],
  ]
  for (const [name, all] of cases) await t.rejects(put(client, all), { code: status.INVALID_ARGUMENT }, name)
  t.equal(disk.chunks.size, 0)
  await until(() => disk.openSinks === 0)
})

t.test('putChunk: a caller that goes away leaves nothing', async (t) => {
  const { client, disk } = await start(t)
  const call = client.putChunk(bearer(), () => {})
  call.on('error', () => {})
  const [header, body] = frames(randomBytes(100_000))
  call.write({ frame: header })
  call.write({ frame: body })
  await until(() => disk.acceptedBytes === 100_000)
  t.equal(disk.openSinks, 1)
  call.cancel()
  await until(() => disk.openSinks === 0)
  t.equal(disk.chunks.size, 0)
})

t.test('messages that are too large, malformed or too many are refused, and the node goes on', async (t) => {
  const { client } = await start(t)
  await t.rejects(put(client, frames(randomBytes(9 * 2 ** 20))), { code: status.RESOURCE_EXHAUSTED }, 'a large message')
  const raw = (path: string, bytes: Buffer) =>
    answer((done) =>
      client.makeUnaryRequest(
        path,
        (b: Buffer) => b,
        (b) => b,
        bytes,
        bearer(),
        done as never,
      ),
    )
  const path = '/sextant.chunk.v1.ChunkStore'
  for (const method of ['Stat', 'DeleteChunks']) {
    await t.rejects(raw(`${path}/${method}`, Buffer.from([0x0a, 0xff])), { code: status.INVALID_ARGUMENT }, method)
  }
  await t.rejects(raw(`${path}/Nothing`, Buffer.alloc(0)), { code: status.UNIMPLEMENTED })
  const batch = client.makeBidiStreamRequest(
    `${path}/Batch`,
    (b: Buffer) => b,
    (b) => b,
    bearer(),
  )
  batch.write(Buffer.from([0x0a, 0xff]))
  await t.rejects(batch.toArray(), { code: status.INVALID_ARGUMENT })
  const many = client.batch(bearer())
  many.write({ calls: Array.from({ length: 65 }, (_, callId) => ({ callId, call: undefined })) })
  await t.rejects(many.toArray(), { code: status.INVALID_ARGUMENT })
  const chunkIds = Array.from({ length: 10_001 }, () => Buffer.alloc(17))
  await t.rejects(
    answer((done) => client.deleteChunks({ chunkIds }, bearer(), done)),
    { code: status.INVALID_ARGUMENT },
  )
  const bad = [Buffer.alloc(0), Buffer.alloc(16), Buffer.alloc(18), Buffer.from('../../../../etc/passwd')]
  for (const chunkId of bad) {
    await t.rejects(client.getChunk({ chunkId, offset: 0, length: 1 }, bearer()).toArray(), {
      code: status.INVALID_ARGUMENT,
    })
    await t.rejects(
      answer((done) => client.deleteChunks({ chunkIds: [chunkId] }, bearer(), done)),
      { code: status.INVALID_ARGUMENT },
    )
    await t.rejects(client.verifyChunks({ chunkIds: [chunkId] }, bearer()).toArray(), { code: status.INVALID_ARGUMENT })
    await t.rejects(client.describeChunks({ chunkIds: [chunkId] }, bearer()).toArray(), {
      code: status.INVALID_ARGUMENT,
    })
  }
  t.ok(await answer((done) => client.stat({}, bearer(), done)), 'still there')
})

t.test('a failure that nobody foresaw tells the caller nothing of the inside', async (t) => {
  const { client, disk } = await start(t)
  disk.hooks.stat = async () => {
    throw new Error('secret path /var/lib/x')
  }
  const error = await answer((done) => client.stat({}, bearer(), done)).catch((caught: ServiceError) => caught)
  t.match(error, { code: status.INTERNAL })
  t.notMatch((error as ServiceError).message, /secret/)
})
