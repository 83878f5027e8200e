import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { freePort } from '../../conformance/support/free-ports.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemClock as clock, systemRandom as random } from '../../src/base/system.ts'
import { messageOf } from '../../src/cli/failure.ts'
import { POSTGRES_NAME } from '../../src/cli/postgres/cluster.ts'
import { startPostgres } from '../../src/cli/postgres/start.ts'
import { connectMeta } from '../../src/meta/connect.ts'
import { migrate } from '../../src/meta/migrate.ts'
import { TestCa } from '../support/certificates.ts'

const ca = await TestCa.make()
const other = await TestCa.make()
t.teardown(() => Promise.all([ca, other].map((each) => each[Symbol.asyncDispose]())))
const { files, texts } = await ca.certificate({ hosts: ['localhost'], usages: ['server'] })
const { files: foreign } = await other.certificate()

/** PostgreSQL on a TCP port, to which only TLS leads. */
async function startSecure() {
  const directory = await mkdtemp(join(tmpdir(), 'sextant-pg-tls-'))
  t.teardown(() => rm(directory, { recursive: true, force: true }))
  const start = (settings: Record<string, string>) =>
    startPostgres({ directory, log: silentLog, settings, signal: new AbortController().signal })
  // Made first: what lies in the cluster is the server's own, whoever it runs as.
  await (await start({})).stop()
  const inside = (name: string) => join(directory, 'cluster', name)
  const contents = { 'tls.crt': texts.cert, 'tls.key': texts.key, 'hba.conf': 'hostssl all all all trust\n' }
  const { uid, gid } = await stat(join(directory, 'cluster'))
  for (const [name, content] of Object.entries(contents)) {
    await writeFile(inside(name), content, { mode: 0o600 })
    await chown(inside(name), uid, gid)
  }
  const port = await freePort()
  const tls = { ssl: 'on', ssl_cert_file: inside('tls.crt'), ssl_key_file: inside('tls.key') }
  const postgres = await start({ listen_addresses: '127.0.0.1', port: `${port}`, hba_file: inside('hba.conf'), ...tls })
  t.teardown(() => postgres.stop())
  return port
}

const port = await startSecure()
const urlOf = (query: string, host = 'localhost') =>
  `postgresql://${POSTGRES_NAME}@${host}:${port}/${POSTGRES_NAME}?${query}`

async function connect(url: string): Promise<string> {
  try {
    await using meta = await connectMeta({ url, clock, random, log: silentLog, settings: { connectTimeoutMs: 30_000 } })
    await meta.ping(new AbortController().signal)
    return 'connected'
  } catch (error) {
    return messageOf(error)
  }
}

t.test('PostgreSQL by TLS: verify-full believes its CA, for its name', async (t) => {
  const good = urlOf(`sslmode=verify-full&sslrootcert=${files.ca}`)
  await migrate({ url: good, log: silentLog, signal: new AbortController().signal })
  t.equal(await connect(good), 'connected')
  t.match(
    await connect(urlOf(`sslmode=verify-full&sslrootcert=${foreign.ca}`)),
    /cannot be reached: .*(certificate|issuer)/,
  )
  const byAddress = urlOf(`sslmode=verify-full&sslrootcert=${files.ca}`, '127.0.0.1')
  t.match(await connect(byAddress), /cannot be reached: .*127\.0\.0\.1 is not in the cert's list/)
  t.match(
    await connect(urlOf('sslmode=verify-full')),
    /cannot be reached: .*(certificate|issuer)/,
    'not of a public CA',
  )
  t.match(await connect(urlOf(`sslmode=verify-full&sslrootcert=/nowhere.crt`)), /\/nowhere\.crt/)
  t.match(await connect(urlOf('')), /no encryption|cannot be reached/, 'this server takes nothing else')
})
