import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { openTestDatabase } from '../support/postgres.ts'
import { dataDirectory, gone, sextant } from '../support/up.ts'

t.test('up: with DATABASE_URL that server is used, and several gateways share the port', async (t) => {
  await using database = await openTestDatabase({ migrated: false })
  const directory = await dataDirectory(t)
  const env = {
    DATABASE_URL: database.url,
    SEXTANT_NODES: '2',
    SEXTANT_PARITY: '0',
    SEXTANT_WORKERS: '2',
    SEXTANT_ROOT_ACCESS_KEY_ID: 'ROOTOFTHETEST',
    SEXTANT_ROOT_SECRET_ACCESS_KEY: 'secret-of-the-test',
  }
  const { child, ready: serving, ended } = sextant(directory, ['up', '--json'], env)
  const ready = await serving
  t.match(ready, { accessKeyId: 'ROOTOFTHETEST', secretAccessKey: 'secret-of-the-test' })
  t.same(
    ready.processes.map(({ name }) => name),
    ['storage node 1', 'storage node 2', 'gateway 1', 'gateway 2'],
  )
  await t.rejects(access(join(directory, 'postgres')), { code: 'ENOENT' }, 'no PostgreSQL of our own')
  for (let ask = 0; ask < 8; ask++) {
    const answer = await fetch(`${ready.endpoint}/health`, { headers: { connection: 'close' } })
    t.equal(answer.status, 200)
  }
  child.kill('SIGTERM')
  t.match(await ended, { code: 0, signal: null })
  t.same(await gone(directory, 0), [], 'nothing is left')
})

t.test('up: what is wrong is told in one sentence, before anything is started', async (t) => {
  const directory = await dataDirectory(t)
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const taken = await sextant(directory, ['up'], { SEXTANT_S3_PORT: String(port) }).ended
  t.match(taken, {
    code: 1,
    stderr: `Port 127.0.0.1:${port} is in use: end what uses it, or choose another port by SEXTANT_S3_PORT.\n`,
  })
  const wrong = await sextant(directory, ['up'], { SEXTANT_NODES: 'six' }).ended
  t.match(wrong, { code: 2, stderr: 'SEXTANT_NODES is "six": it must be a whole number from 1 to 64.\n' })
  const away = await sextant(directory, ['up'], { DATABASE_URL: 'postgresql://someone:password@127.0.0.1:9/none' })
    .ended
  t.match(away, { code: 1, stderr: /^The database cannot be used: .*\.\n$/ })
  t.notMatch(away.stderr, /password/)
  t.same(await gone(directory, 0), [], 'nothing is left')
})
