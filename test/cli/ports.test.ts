import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { systemRandom } from '../../src/base/system.ts'
import { findPorts as find, type WantedPort } from '../../src/cli/up/ports.ts'

const wanted = (port: number, host = '127.0.0.1') => ({
  host,
  port,
  hostVariable: 'SEXTANT_S3_HOST',
  portVariable: 'SEXTANT_S3_PORT',
})

const findPorts = <const T extends readonly WantedPort[]>(ports: T) => find(ports, systemRandom)

t.test('ports: 0 finds free ones that differ, and lets go of them', async (t) => {
  const found = await findPorts([wanted(0), wanted(0)])
  t.not(found[0], found[1])
  t.ok(found[0] < 32_768 && found[1] < 32_768, 'no outgoing connection takes them meanwhile')
  t.same(await findPorts([wanted(found[0]), wanted(found[1])]), found)
})

t.test('ports: 0 passes over what is in use', async (t) => {
  const taken = new Set<number>()
  const [first] = await find([wanted(0)], systemRandom)
  const server = createServer().listen(first, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const turns = [first - 12_000, first - 12_000, 77]
  const random = { ...systemRandom, integer: () => turns.shift() ?? systemRandom.integer(20_000) }
  for (const port of await find([wanted(0), wanted(0)], random)) taken.add(port)
  t.equal(taken.size, 2)
  t.notOk(taken.has(first))
})

t.test('ports: one in use is told with the variable that changes it', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await t.rejects(findPorts([wanted(0), wanted(port)]), {
    message: `Port 127.0.0.1:${port} is in use: end what uses it, or choose another port by SEXTANT_S3_PORT.`,
  })
})

t.test('ports: the same one wanted twice is in use', async (t) => {
  const [port] = await findPorts([wanted(0)])
  await t.rejects(findPorts([wanted(port), wanted(port)]), { message: /is in use/ })
})

t.test('ports: an address of another machine is told with its variable', async (t) => {
  await t.rejects(findPorts([wanted(0, '192.0.2.1')]), { message: /EADDRNOTAVAIL.*SEXTANT_S3_HOST/ })
})
