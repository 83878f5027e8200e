import { randomBytes } from 'node:crypto'
import { Client, credentials, Server, ServerCredentials, status } from '@grpc/grpc-js'
import t from 'tap'
import type { ServerId } from '../../src/base/ids.ts'
import { paths } from '../../src/chunk-client/methods.ts'
import { ChunkStoreService } from '../gen/sextant/chunk/v1/chunk.ts'
import { HandView, NODE, never, smallChunk, startTestNode, testClient } from '../support/chunk-cluster.ts'
import { answer, bearer } from '../support/chunk-protocol.ts'

const asBytes = (bytes: Buffer) => bytes

t.test('a node tells a gateway of another protocol version, newer or older, which one it speaks', async (t) => {
  await using node = await startTestNode()
  const client = new Client(node.grpcAddress, credentials.createInsecure())
  t.teardown(() => client.close())
  const call = (path: string, request = Buffer.alloc(0)) =>
    answer<Buffer>((done) => {
      client.makeUnaryRequest(path, asBytes, asBytes, request, bearer(), (error, value) => done(error, value!))
    })
  for (const version of [0, 2, 17]) {
    await t.rejects(call(paths.stat.replace('v1', `v${version}`)), {
      code: status.UNIMPLEMENTED,
      details: `this node speaks version 1 of the chunk protocol, and was called by version ${version}: bring both to the same version of Sextant`,
    })
  }
  await t.rejects(call('/some.other.Service/Stat'), {
    code: status.UNIMPLEMENTED,
    details: 'there is no method /some.other.Service/Stat',
  })
  const added = Buffer.from([0xa2, 0x06, 0x02, 0x68, 0x69]) // field 100: "hi"
  t.ok((await call(paths.stat, added)).length > 0, 'what a newer one only adds is passed over')
})

t.test('a node of another protocol version is one that is not reached, and the reason is what it says', async (t) => {
  const server = new Server()
  const newer = Object.entries(ChunkStoreService).map(([name, method]) => [
    name,
    { ...method, path: method.path.replace('v1', 'v2') },
  ])
  server.addService(Object.fromEntries(newer), {})
  const port = await answer<number>((done) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => done(error as never, bound)),
  )
  const view = new HandView()
  view.set({ id: 'server-1' as ServerId, grpcAddress: `127.0.0.1:${port}` })
  const client = testClient(view)
  t.teardown(async () => {
    await client[Symbol.asyncDispose]()
    server.forceShutdown()
  })
  // Not `failed`, which would be taken for damage, and every chunk of that server for one to be repaired.
  await t.rejects(client.putChunk(NODE, smallChunk(randomBytes(100)), never), {
    failure: 'unreachable',
    message: /unimplemented|does not implement/i,
  })
  t.notOk(client.isReachable(NODE))
})
