import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { byteServer, connectBytes } from '../../../src/base/rpc/byte-socket.ts'
import { headersFrames, rstStreamFrame, writeFrameHeader } from '../../../src/base/rpc/frame-writer.ts'
import { FrameType, H2Code, PREFACE } from '../../../src/base/rpc/h2-codes.ts'
import { H2Connection, type H2Settings } from '../../../src/base/rpc/h2-connection.ts'
import type { H2Stream, StreamEvents } from '../../../src/base/rpc/h2-stream.ts'
import { encodeHeaders, type HeaderList } from '../../../src/base/rpc/hpack.ts'
import { systemClock } from '../../../src/base/system.ts'
import { until } from '../../support/until.ts'

const KIB = 1024
const defaults: H2Settings = {
  streamsMax: 100,
  streamWindowBytes: 64 * KIB,
  connectionWindowBytes: 1024 * KIB,
  frameBytesMax: 32 * KIB,
  headerListBytesMax: 16 * KIB,
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 1_000,
}
const block = encodeHeaders([[':path', '/']])

/** One side of a stream, as a test looks at it. */
class Seen implements StreamEvents {
  stream!: H2Stream
  headers: HeaderList[] = []
  bytes = 0
  pieces: Buffer[] = []
  hasEnded = false
  reset: number | undefined | 'none' = 'none'
  /** Whether bytes are taken as they come. */
  takes = true

  onHeaders(headers: HeaderList): void {
    this.headers.push(headers)
  }
  onData(bytes: Buffer): void {
    this.bytes += bytes.length
    this.pieces.push(Buffer.from(bytes))
    if (this.takes) this.stream.consumed(bytes.length)
  }
  onEnd(): void {
    this.hasEnded = true
  }
  onReset(code: number | undefined): void {
    this.reset = code
  }
}

interface Ends {
  client: H2Connection
  server: H2Connection
  /** Streams as the server sees them. */
  streams: Seen[]
  ended: string[]
  open(): Seen
}

async function connect(t: Pick<Test, 'teardown'>, settings: Partial<H2Settings> = {}, takes = true): Promise<Ends> {
  const streams: Seen[] = []
  const ended: string[] = []
  const ready = Promise.withResolvers<H2Connection>()
  const listener = byteServer((bytes) => {
    const server: H2Connection = new H2Connection({
      socket: bytes.socket,
      clock: systemClock,
      settings: { ...defaults, ...settings },
      onStream(stream) {
        const seen = new Seen()
        seen.stream = stream
        seen.takes = takes
        streams.push(seen)
        return seen
      },
      onEnd: (error) => ended.push(`server: ${error.message}`),
    })
    bytes.onBytes = (read) => server.receive(read)
    ready.resolve(server)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const bytes = connectBytes({ host: '127.0.0.1', port: (listener.address() as { port: number }).port })
  const client: H2Connection = new H2Connection({
    socket: bytes.socket,
    clock: systemClock,
    settings: { ...defaults, ...settings },
    onEnd: (error) => ended.push(`client: ${error.message}`),
  })
  bytes.onBytes = (read) => client.receive(read)
  const server = await ready.promise
  t.teardown(() => {
    client.destroy(new Error('the test is over'))
    server.destroy(new Error('the test is over'))
    listener.close()
  })
  const open = () => {
    const seen = new Seen()
    seen.stream = client.open(block, seen)!
    return seen
  }
  return { client, server, streams, ended, open }
}

/** A peer that says whatever a test wants, to a server of ours. */
async function rawPeer(
  t: Pick<Test, 'teardown'>,
  ...frames: Buffer[]
): Promise<{ ended: string[]; socket: Socket; streams: Seen[] }> {
  const streams: Seen[] = []
  const ended: string[] = []
  const listener = byteServer((bytes) => {
    const server: H2Connection = new H2Connection({
      socket: bytes.socket,
      clock: systemClock,
      settings: defaults,
      onStream(stream) {
        const seen = new Seen()
        seen.stream = stream
        seen.takes = false
        streams.push(seen)
        return seen
      },
      onEnd: (error) => ended.push(error.message),
    })
    bytes.onBytes = (read) => server.receive(read)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { socket } = connectBytes({ host: '127.0.0.1', port: (listener.address() as { port: number }).port })
  socket.on('error', () => {})
  t.teardown(() => {
    socket.destroy()
    listener.close()
  })
  socket.write(Buffer.concat(frames))
  return { ended, socket, streams }
}

function frame(type: number, streamId: number, payload: Buffer, flags = 0): Buffer {
  const bytes = Buffer.alloc(9 + payload.length)
  payload.copy(bytes, writeFrameHeader(bytes, 0, { length: payload.length, type, flags, streamId }))
  return bytes
}

t.test('accepted connections are read into one buffer that is used again', async (t) => {
  const { client, streams, open } = await connect(t)
  const places = new Set<ArrayBufferLike>()
  const receive = client.receive.bind(client)
  t.intercept(client, 'receive', {
    value: (bytes: Buffer) => {
      places.add(bytes.buffer)
      receive(bytes)
    },
  })
  const first = open()
  first.stream.send([Buffer.from('x')])
  await until(() => streams.length === 1)
  const byServer = new Set<ArrayBufferLike>()
  t.intercept(streams[0]!, 'onData', { value: (bytes: Buffer) => byServer.add(bytes.buffer) })
  for (let n = 0; n < 5; n++) {
    first.stream.send([Buffer.alloc(300)])
    await systemClock.sleep(5)
  }
  t.equal(byServer.size, 1)
})

t.test('bytes both ways, of any size, in order, and an end', async (t) => {
  const { streams, open } = await connect(t)
  const seen = open()
  const sent = [1, 5, 600, 70_000, 0, 300_000].map((size) => randomBytes(size))
  for (const piece of sent) seen.stream.send([piece.subarray(0, 2), piece.subarray(2)])
  seen.stream.end()
  await until(() => streams[0]?.hasEnded === true)
  t.ok(Buffer.concat(streams[0]!.pieces).equals(Buffer.concat(sent)))
  streams[0]!.stream.sendHeaders(block, false)
  for (const piece of sent) streams[0]!.stream.send([piece])
  streams[0]!.stream.sendHeaders(block, true)
  await until(() => seen.hasEnded)
  t.ok(Buffer.concat(seen.pieces).equals(Buffer.concat(sent)))
  t.equal(seen.headers.length, 2)
  t.ok(seen.stream.isOver && streams[0]!.stream.isOver)
})

t.test('a reader that takes nothing holds its sender up by the window, and nobody else', async (t) => {
  const { streams, open } = await connect(t, {}, false)
  const slow = open()
  let sentBytes = 0
  const piece = Buffer.alloc(10 * KIB)
  for (let n = 0; n < 100; n++) slow.stream.send([piece], () => (sentBytes += piece.length))
  await until(() => streams[0]?.bytes === defaults.streamWindowBytes)
  const other = open()
  other.stream.send([Buffer.alloc(1000)])
  await until(() => streams[1]?.bytes === 1000)
  await systemClock.sleep(50)
  t.equal(streams[0]!.bytes, defaults.streamWindowBytes)
  t.ok(sentBytes <= defaults.streamWindowBytes, 'what the window holds back is not called sent')
  streams[0]!.takes = true
  streams[0]!.stream.consumed(streams[0]!.bytes)
  await until(() => streams[0]!.bytes === 100 * piece.length)
  t.equal(sentBytes, 100 * piece.length)
})

t.test('many streams at once take turns, and all come through the connection’s window', async (t) => {
  const { streams, open } = await connect(t, { connectionWindowBytes: 100 * KIB })
  const payload = Buffer.alloc(400 * KIB)
  for (let n = 0; n < 20; n++) {
    const { stream } = open()
    stream.send([payload])
    stream.end()
  }
  await until(() => streams.length === 20 && streams.every(({ hasEnded }) => hasEnded))
  t.ok(streams.every(({ bytes }) => bytes === payload.length))
})

t.test('a reset ends one stream, tells its other side, and lets go of what waited', async (t) => {
  const { streams, open, ended } = await connect(t, {}, false)
  const one = open()
  const outcomes: (Error | undefined)[] = []
  for (let n = 0; n < 20; n++) one.stream.send([Buffer.alloc(10 * KIB)], (error) => outcomes.push(error))
  await until(() => streams[0]?.bytes === defaults.streamWindowBytes)
  one.stream.reset(H2Code.cancel)
  t.equal(outcomes.length, 20)
  t.ok(outcomes.at(-1))
  await until(() => streams[0]!.reset === H2Code.cancel)
  const two = open()
  two.stream.send([Buffer.from('still there')])
  await until(() => streams[1]?.bytes === 11)
  streams[1]!.stream.reset(H2Code.refusedStream)
  await until(() => two.reset === H2Code.refusedStream)
  t.same(ended, [])
})

t.test('a connection that is lost: every stream is told, nothing is called sent', async (t) => {
  const { client, server, open, ended } = await connect(t, {}, false)
  const seen = open()
  const outcomes: (Error | undefined)[] = []
  for (let n = 0; n < 20; n++) seen.stream.send([Buffer.alloc(10 * KIB)], (error) => outcomes.push(error))
  await systemClock.sleep(30)
  server.destroy(new Error('killed'))
  await until(() => client.isOver)
  t.equal(seen.reset, undefined)
  t.equal(outcomes.length, 20)
  t.ok(outcomes.at(-1))
  t.equal(ended.length, 2)
  t.equal(client.open(block, new Seen()), undefined)
})

t.test('more streams than allowed are refused, one by one', async (t) => {
  const { streams, open } = await connect(t, { streamsMax: 3 })
  const seen = Array.from({ length: 5 }, open)
  await until(() => seen.filter(({ reset }) => reset === H2Code.refusedStream).length === 2)
  t.equal(streams.length, 3)
})

t.test('going away: no new streams, those under way end well, then the connection closes', async (t) => {
  const { client, server, streams, open } = await connect(t)
  const seen = open()
  seen.stream.send([Buffer.from('one')])
  await until(() => streams[0]?.bytes === 3)
  server.goAway()
  await until(() => client.open(block, new Seen()) === undefined)
  t.notOk(client.isOver)
  seen.stream.end()
  await until(() => streams[0]!.hasEnded)
  streams[0]!.stream.sendHeaders(block, true)
  await until(() => client.isOver && server.isOver)
  t.ok(seen.hasEnded)
})

t.test('a peer that is silent is asked, and dropped', async (t) => {
  const { ended } = await connect(t, { keepaliveMs: 30, keepaliveTimeoutMs: 40 })
  await systemClock.sleep(200)
  t.same(ended, [], 'one that answers stays')
  const silent = byteServer((bytes) => bytes.socket.on('error', () => {}))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const bytes = connectBytes({ host: '127.0.0.1', port: (silent.address() as { port: number }).port })
  const errors: string[] = []
  const settings = { ...defaults, keepaliveMs: 30, keepaliveTimeoutMs: 40 }
  const client = new H2Connection({
    socket: bytes.socket,
    clock: systemClock,
    settings,
    onEnd: (e) => errors.push(e.message),
  })
  await until(() => client.isOver)
  t.match(errors, [/silent/])
})

t.test('what breaks the protocol ends the connection, and nothing else', async (t) => {
  const [start] = headersFrames(1, block, false)
  const settings = frame(FrameType.settings, 0, Buffer.alloc(0))
  const cases: Record<string, Buffer[]> = {
    'no preface': [Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    'DATA on a stream that never was': [PREFACE, settings, frame(FrameType.data, 5, Buffer.from('x'))],
    'an even stream': [PREFACE, settings, ...headersFrames(2, block, false)],
    'DATA beyond the window': [
      PREFACE,
      settings,
      start!,
      ...Array.from({ length: 5 }, () => frame(FrameType.data, 1, Buffer.alloc(32 * KIB))),
    ],
    'a frame beyond the size': [PREFACE, settings, start!, frame(FrameType.data, 1, Buffer.alloc(33 * KIB))],
    'a block that is broken into': [PREFACE, settings, frame(FrameType.headers, 1, block), settings],
    'CONTINUATION of nothing': [PREFACE, settings, frame(FrameType.continuation, 1, block)],
    'endless CONTINUATIONs': [
      PREFACE,
      settings,
      frame(FrameType.headers, 1, block),
      ...Array.from({ length: 100 }, () => frame(FrameType.continuation, 1, Buffer.alloc(0))),
    ],
    'a push': [PREFACE, settings, frame(FrameType.pushPromise, 1, Buffer.alloc(4))],
    'a window by nothing': [PREFACE, settings, start!, frame(FrameType.windowUpdate, 1, Buffer.alloc(4))],
    'a window beyond 2^31': [PREFACE, settings, frame(FrameType.windowUpdate, 0, Buffer.from('7fffffff', 'hex'))],
    'a frame size of nothing': [PREFACE, frame(FrameType.settings, 0, Buffer.from('000500000000', 'hex'))],
    'a header block that is none': [PREFACE, settings, frame(FrameType.headers, 1, Buffer.from('80', 'hex'), 4)],
  }
  for (const [name, frames] of Object.entries(cases)) {
    const { ended } = await rawPeer(t, ...frames)
    await until(() => ended.length === 1)
    t.match(ended, [/^HTTP\/2: /], name)
  }
  // Frames that cross with a reset, of kinds that are not known, and priorities are none of that.
  const { ended, streams } = await rawPeer(
    t,
    PREFACE,
    settings,
    start!,
    rstStreamFrame(1, H2Code.cancel),
    frame(FrameType.data, 1, Buffer.from('late')),
    frame(0x77, 1, Buffer.from('whatever')),
    frame(FrameType.priority, 3, Buffer.alloc(5)),
    ...headersFrames(3, block, true),
  )
  await until(() => streams.length === 2 && streams[1]!.hasEnded)
  t.same(ended, [])
})

t.test('a peer that asks and does not read is cut off before its answers fill the memory', async (t) => {
  const ping = frame(FrameType.ping, 0, Buffer.alloc(8))
  const { ended, socket } = await rawPeer(t, PREFACE, frame(FrameType.settings, 0, Buffer.alloc(0)))
  socket.pause()
  const many = Buffer.concat(Array.from({ length: 10_000 }, () => ping))
  for (let n = 0; n < 400 && ended.length === 0; n++) {
    socket.write(many)
    await systemClock.sleep(1)
  }
  await until(() => ended.length === 1)
  t.match(ended, [/does not read/])
})
