import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { systemRandom as random, systemClock } from '../../src/base/system.ts'
import { initCa, parseHost, renewCertificates } from '../../src/cli/certificates/cluster-ca.ts'

const DAY = 86_400_000
const root = mkdtempSync(join(tmpdir(), 'sextant-cert-'))
t.teardown(() => rmSync(root, { recursive: true }))
const directory = join(root, 'ca')
let nowMs = Date.now()
const clock = { ...systemClock, nowMs: () => nowMs }
const deps = { settings: { certificateDays: 90, caDays: 300 }, clock, random }
const read = (path: string) => new X509Certificate(readFileSync(join(directory, path)))

t.test('init: a CA, and two certificates for each host, for nobody else to read', async (t) => {
  const { made } = await initCa(directory, ['gw1+10.0.0.1+fd00::1', 's1'].map(parseHost), deps)
  t.equal(made.length, 4)
  const ca = read('ca.crt')
  t.ok(ca.ca)
  for (const host of ['gw1', 's1']) {
    t.same(readdirSync(join(directory, host)).sort(), [
      'ca.crt',
      'gateway.crt',
      'gateway.key',
      'storage-node.crt',
      'storage-node.key',
    ])
    for (const file of readdirSync(join(directory, host)))
      t.equal(statSync(join(directory, host, file)).mode & 0o777, 0o600, file)
    for (const holder of ['gateway', 'storage-node']) {
      const certificate = read(`${host}/${holder}.crt`)
      t.ok(certificate.verify(ca.publicKey) && !certificate.ca && certificate.checkHost(host), `${host} ${holder}`)
    }
  }
  t.equal(statSync(join(directory, 'ca.key')).mode & 0o777, 0o600)
  t.ok(read('gw1/gateway.crt').checkIP('10.0.0.1') && read('gw1/gateway.crt').checkIP('fd00::1'))
  t.ok(read('s1/storage-node.crt').checkIP('127.0.0.1'))
  const [calls, isCalled] = ['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']
  t.same(read('s1/storage-node.crt').keyUsage, [isCalled], 'a node calls nobody')
  t.same(read('s1/gateway.crt').keyUsage, [calls, isCalled])
})

t.test('init: a CA that is there is never replaced; names that are none are refused', async (t) => {
  const before = readFileSync(join(directory, 'ca.key'), 'utf8')
  await t.rejects(initCa(directory, [], deps), /already/)
  t.equal(readFileSync(join(directory, 'ca.key'), 'utf8'), before)
  for (const wrong of ['', '../x', 'a/b', 'a+', 'a b', '.', '-a', 'a..b'])
    t.throws(() => parseHost(wrong), /neither/, wrong)
})

t.test('renew: what is in the last third of its life, with the names that it had', async (t) => {
  const before = read('gw1/gateway.crt')
  const keyBefore = readFileSync(join(directory, 'gw1/gateway.key'), 'utf8')
  nowMs += 50 * DAY
  t.match(await renewCertificates(directory, { hosts: [], all: false }, deps), { made: { length: 0 }, kept: 4 })
  nowMs += 20 * DAY
  const { made } = await renewCertificates(directory, { hosts: [], all: false }, deps)
  t.same(made.map(({ host, holder }) => `${host} ${holder}`).sort(), [
    'gw1 gateway',
    'gw1 storage-node',
    's1 gateway',
    's1 storage-node',
  ])
  const after = read('gw1/gateway.crt')
  t.not(after.serialNumber, before.serialNumber)
  t.equal(after.subjectAltName, before.subjectAltName)
  t.not(readFileSync(join(directory, 'gw1/gateway.key'), 'utf8'), keyBefore, 'with a new key')
  t.match(await renewCertificates(directory, { hosts: [parseHost('s2')], all: false }, deps), { made: { length: 2 } })
})

t.test('renew: no certificate outlasts its CA, and none is made of one that is over', async (t) => {
  nowMs += 200 * DAY
  await renewCertificates(directory, { hosts: [], all: true }, deps)
  t.equal(read('s1/gateway.crt').validTo, read('ca.crt').validTo)
  nowMs += 31 * DAY
  await t.rejects(renewCertificates(directory, { hosts: [], all: true }, deps), /has expired/)
  await t.rejects(renewCertificates(root, { hosts: [], all: true }, deps), /cannot be used/)
})
