import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { findPorts } from '../../src/cli/up/ports.ts'

const wanted = (port: number, host = '127.0.0.1') => ({
  host,
  port,
  hostVariable: 'SEXTANT_S3_HOST',
  portVariable: 'SEXTANT_S3_PORT',
})

t.test('ports: 0 finds free ones that differ, and lets go of them', async (t) => {
  const found = await findPorts([wanted(0), wanted(0)])
  t.not(found[0], found[1])
  t.same(await findPorts([wanted(found[0]), wanted(found[1])]), found)
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
