import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js'
import t from 'tap'
import { putPayloadMessage, readPutFrame } from '../../src/base/wire/stream-messages.ts'

const PATH = '/test/Echo'

/** A message that notes what of it is touched, and when. */
function watched(payload: string, touched: Set<string>): Buffer {
  return new Proxy(putPayloadMessage([Buffer.from(payload)]), {
    get(target, name) {
      touched.add(String(name))
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  }) as unknown as Buffer
}

t.test('grpc-js touches nothing of a serialised message but what a Gather has', async (t) => {
  const byClient = new Set<string>()
  const byServer = new Set<string>()
  const server = new Server()
  const read = (bytes: Buffer) => {
    const frame = readPutFrame(bytes)
    return frame.kind === 'payload' ? frame.payload.toString() : ''
  }
  server.addService(
    {
      echo: {
        path: PATH,
        requestStream: true,
        responseStream: true,
        requestSerialize: (value: string) => Buffer.from(value),
        requestDeserialize: read,
        responseSerialize: (value: string) => watched(value, byServer),
        responseDeserialize: read,
      },
    },
    { echo: (call: NodeJS.ReadWriteStream) => call.pipe(call) },
  )
  const port = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, bound: number) => (error ? reject(error) : resolve(bound))
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), done)
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.max_send_message_length': -1 })
  t.teardown(() => {
    client.close()
    server.forceShutdown()
  })
  const call = client.makeBidiStreamRequest(PATH, (value: string) => watched(value, byClient), read)
  for (const word of ['one', 'two', 'three']) call.write(word)
  call.end()
  t.same(await call.toArray(), ['one', 'two', 'three'])
  t.same(byClient, new Set(['length', 'copy']))
  t.same(byServer, new Set(['byteLength', 'copy']))
})
