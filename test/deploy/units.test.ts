import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { freePort } from '../../conformance/support/free-ports.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { isMissing } from '../support/programs.ts'
import { eventually } from '../support/store.ts'
import { UNITS, UnitMachine } from '../support/unit-machine.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

t.test('units: migrate, a storage node and a gateway serve with what their units give them', async (t) => {
  await using database = await openTestDatabase({ migrated: false })
  await using machine = new UnitMachine()
  machine.write('etc/secrets/database-url', `${database.url}\n`)
  const tls = join(machine.directory, 'etc/tls')
  const sextant = (...args: string[]) =>
    spawnSync(process.execPath, [join(ROOT, 'bin/sextant.js'), ...args], { encoding: 'utf8' })
  const ca = join(machine.directory, 'ca')
  t.equal(sextant('cert', 'init', ca, '--hosts', 'here').status, 0)
  cpSync(join(ca, 'here'), tls, { recursive: true })
  machine.write('etc/secrets/sealing-key', `${'5'.repeat(64)}\n`)
  machine.write('etc/secrets/root-key', 'secret-of-the-test\n')
  machine.write('etc/storage-node-disk1.env', 'SEXTANT_NODE_HOST=127.0.0.1\nSEXTANT_NODE_PORT=0\n')
  const port = await freePort()
  machine.write(
    'etc/sextant.env',
    [
      '# Of all units.',
      'SEXTANT_ROOT_ACCESS_KEY_ID=AKIAOFTHETEST',
      'SEXTANT_S3_PORT=0',
      `SEXTANT_ADMIN_PORT=${port}`,
      `SEXTANT_ADMIN_TLS_CERT=${tls}/gateway.crt`,
      `SEXTANT_ADMIN_TLS_KEY=${tls}/gateway.key`,
      'SEXTANT_TLS_RELOAD_SECONDS=86400',
      'SEXTANT_STOP_NOTICE_SECONDS=0',
      'SEXTANT_LOG_LEVEL=error\n',
    ].join('\n'),
  )
  const [code] = await once(machine.start('sextant-migrate.service'), 'exit')
  t.equal(code, 0, 'migrated')
  machine.start('sextant-storage-node@.service', 'disk1')
  const gateway = machine.start('sextant-gateway.service')
  const report = () => ready(port, readFileSync(join(tls, 'ca.crt'), 'utf8')).catch(() => undefined)
  await eventually('the gateway reaches the node', 60_000, async () => {
    const { nodes } = (await report()) ?? { nodes: [] }
    return nodes.length === 1 && nodes[0]!.isReachable
  })
  const { serial } = (await report())!
  t.equal(sextant('cert', 'renew', ca, '--all').status, 0)
  cpSync(join(ca, 'here'), tls, { recursive: true })
  gateway.kill('SIGHUP')
  await eventually('SIGHUP: the renewed certificate', 60_000, async () => (await report())?.serial !== serial)
  t.ok(readdirSync(join(machine.directory, 'data/disk1')).length > 0, 'the node keeps its data where its unit says')
})

interface Ready {
  nodes: { isReachable: boolean }[]
  /** Of the certificate that was shown. */
  serial: string
}

function ready(port: number, ca: string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path: '/health/ready', ca, agent: false })
    request.on('error', reject).on('response', async (response) => {
      const serial = (response.socket as TLSSocket).getPeerX509Certificate()!.serialNumber
      const { nodes } = (await json(response)) as Pick<Ready, 'nodes'>
      resolve({ nodes, serial })
    })
  })
}

t.test('units: systemd has nothing to say against them', { skip: isMissing('systemd-analyze') }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sextant-units-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const units = readdirSync(UNITS).filter((name) => name.endsWith('.service'))
  t.ok(units.length > 0)
  for (const unit of units) {
    const here = readFileSync(join(UNITS, unit), 'utf8').replaceAll('/opt/sextant/', ROOT)
    const file = join(directory, unit.replace('@', '@disk1'))
    writeFileSync(file, here)
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', file], {
      encoding: 'utf8',
    })
    t.same({ status, stderr }, { status: 0, stderr: '' }, unit)
  }
})
