import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { drive } from '../../bench/load/drive.ts'
import { HttpClient } from '../../bench/load/http-client.ts'

const moved = { bytesIn: 3, bytesOut: 2 }

t.test('drive: every operation once, never more at once than there are clients', async (t) => {
  const seen: number[] = []
  let atOnce = 0
  let most = 0
  const call = async (n: number) => {
    seen.push(n)
    most = Math.max(most, ++atOnce)
    await new Promise((resolve) => setImmediate(resolve))
    atOnce--
    return moved
  }
  const result = await drive({ clients: 4, operationsMax: 50, open: () => ({ call }) })
  t.same(
    seen.toSorted((a, b) => a - b),
    Array.from({ length: 50 }, (_, n) => n),
  )
  t.equal(most, 4)
  t.match(result, { operations: 50, failures: 0, bytesIn: 150, bytesOut: 100 })
})

t.test('drive: what fails is counted, and the first failure told', async (t) => {
  const call = async (n: number) => {
    if (n % 2 === 1) throw new Error(`number ${n}`)
    return moved
  }
  const result = await drive({ clients: 1, operationsMax: 10, open: () => ({ call }) })
  t.match(result, { operations: 10, failures: 5, firstFailure: 'Error: number 1', bytesIn: 15 })
})

t.test('drive: begins nothing after its time', async (t) => {
  const call = () => new Promise<typeof moved>((resolve) => setTimeout(resolve, 5, moved))
  const result = await drive({ clients: 2, operationsMax: Infinity, secondsMax: 0.05, open: () => ({ call }) })
  t.ok(result.operations >= 2 && result.operations <= 40, `${result.operations} in 50 ms, 2 at once, 5 ms each`)
})

t.test('HttpClient: bodies by length or chunked, none for HEAD, a new connection after a lost one', async (t) => {
  // More than comes at once.
  const body = Buffer.alloc(2 ** 20)
  const server = createServer((request, response) => {
    request.resume()
    if (request.url === '/refused') response.statusCode = 503
    if (request.url === '/closed') response.setHeader('connection', 'close')
    if (request.url === '/chunked') response.write(body)
    else response.setHeader('content-length', body.length)
    response.end(request.url === '/chunked' ? undefined : body)
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const paths = ['/', '/chunked', '/closed', '/', '/refused', '/']
  const request = (n: number) => ({ head: Buffer.from(`GET ${paths[n]} HTTP/1.1\r\nhost: x\r\n\r\n`) })
  const client = new HttpClient({ host: '127.0.0.1', port }, request)
  t.match(await client.call(0), { bytesIn: body.length, bytesOut: 0 })
  t.ok((await client.call(1)).bytesIn > body.length, 'coding counts')
  t.match(await client.call(2), { bytesIn: body.length })
  await new Promise((resolve) => setTimeout(resolve, 20))
  t.match(await client.call(3), { bytesIn: body.length })
  await t.rejects(client.call(4), /503 Service Unavailable/)
  t.match(await client.call(5), { bytesIn: body.length })
  client.close()

  const isHead = true
  const head = Buffer.from('HEAD / HTTP/1.1\r\nhost: x\r\n\r\n')
  const heads = new HttpClient({ host: '127.0.0.1', port }, () => ({ head, isHead }))
  t.match(await heads.call(0), { bytesIn: 0 })
  t.match(await heads.call(1), { bytesIn: 0 })
  heads.close()
})
