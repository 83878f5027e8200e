import { once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import t from 'tap'
import { parseFilter, type TracedRequest } from '../../src/admin/request-filter.ts'
import { RequestStream, serveRequests } from '../../src/admin/request-stream.ts'
import { until } from '../support/until.ts'

const request: TracedRequest = {
  time: '2030-01-01T00:00:00.000Z',
  requestId: 'ID',
  remote: '192.0.2.1',
  operation: 'GetObject',
  bucket: 'photos',
  key: '2030/a.jpg',
  status: 404,
  code: 'NoSuchKey',
  bytesIn: 0,
  bytesOut: 300,
  durationMs: 12.5,
}

t.test('trace: each filter lets through what it should, and all together', async (t) => {
  const passes = (query: string) => {
    const filter = parseFilter(new URLSearchParams(query))
    return typeof filter === 'string' ? filter : filter(request)
  }
  for (const query of ['', 'bucket=photos', 'key-prefix=2030/', 'operation=getobject', 'status=404', 'status=4xx'])
    t.equal(passes(query), true, query)
  for (const query of ['errors', 'slower-than=12', 'bucket=photos&status=404&errors'])
    t.equal(passes(query), true, query)
  for (const query of ['bucket=photo', 'key-prefix=a', 'operation=Get', 'status=40', 'status=403', 'status=5xx'])
    t.not(passes(query), true, query)
  for (const query of ['slower-than=12.5', 'bucket=photos&status=403', 'status=4', 'slower-than=x', 'unknown=1'])
    t.not(passes(query), true, query)
  t.match(passes('status=40'), /no filter/)
  t.match(passes('__proto__=1'), /no filter/)
})

async function listener(stream: RequestStream, query = ''): Promise<{ answer: IncomingMessage; stop(): void }> {
  const server = createServer((asked, answer) => serveRequests(stream, asked, answer))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const asked = get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', path: `/requests?${query}` })
  asked.on('error', () => {})
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return {
    answer,
    stop() {
      asked.destroy()
      server.close()
    },
  }
}

/** It is broken off at the end. */
const linesOf = (input: IncomingMessage) => createInterface({ input }).on('error', () => {})

t.test('trace: nobody listens before somebody does, nor after; nothing is made to be told then', async (t) => {
  const stream = new RequestStream()
  t.equal(stream.listens, false)
  const one = await listener(stream)
  t.equal(stream.listens, true)
  stream.tell(request)
  const [line] = (await once(linesOf(one.answer), 'line')) as [string]
  t.same(JSON.parse(line), request)
  one.stop()
  await until(() => !stream.listens)
  const wrong = await listener(stream, 'status=9')
  t.equal(wrong.answer.statusCode, 400)
  t.equal(stream.listens, false)
  wrong.stop()
})

t.test('trace: a listener that does not read costs bounded memory, and learns how much it has missed', async (t) => {
  const stream = new RequestStream()
  const { answer, stop } = await listener(stream)
  const told = { ...request, key: 'k'.repeat(1000) }
  const count = 20_000
  const before = process.memoryUsage().rss
  for (let n = 0; n < count; n++) {
    stream.tell(told)
    // Lets the kernel have what it takes.
    if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(process.memoryUsage().rss - before < 100 * 2 ** 20)
  let seen = 0
  let dropped = 0
  linesOf(answer).on('line', (line) => {
    const { dropped: missed } = JSON.parse(line) as { dropped?: number }
    if (missed === undefined) seen++
    else dropped += missed
  })
  await until(() => {
    stream.tell(request)
    return dropped > 0
  })
  stop()
  t.ok(dropped > count / 4, `${seen} seen, ${dropped} missed`)
  t.ok(seen + dropped >= count, 'none is lost without being counted')
})
